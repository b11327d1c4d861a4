package layout

// publicHosts are registries where anybody may have images.
var publicHosts = setOf("docker.io ghcr.io quay.io gcr.io eu.gcr.io us.gcr.io asia.gcr.io registry.gitlab.com public.ecr.aws " +
	"registry.k8s.io k8s.gcr.io mcr.microsoft.com docker.elastic.co registry.redhat.io registry.access.redhat.com nvcr.io lscr.io " +
	"docker.redpanda.com cgr.dev registry.opensource.zalan.do xpkg.upbound.io")

// upstreamHosts are those that have only the images of their makers.
var upstreamHosts = setOf("registry.k8s.io k8s.gcr.io mcr.microsoft.com docker.elastic.co registry.redhat.io " +
	"registry.access.redhat.com nvcr.io lscr.io docker.redpanda.com cgr.dev registry.opensource.zalan.do xpkg.upbound.io")

// upstreamSpaces are makers of images that many others run, as they are called
// on a public registry.
var upstreamSpaces = setOf("alpine apache argoproj aquasec bitnami bitnamilegacy bitnamichartssecure bitnamisecure buildpacks " +
	"cilium cloud-sql-connectors cloudflare cloudnative-pg cloudsql-docker clickhouse confluentinc coredns crossplane curlimages " +
	"datadog dexidp distroless dpage edoburu envoyproxy external-secrets falcosecurity fluent fluxcd google-containers google_containers " +
	"google.com goharbor grafana haproxytech hashicorp influxdata istio jaegertracing jetstack jimmidyson k8s-staging-sig-storage " +
	"kedacore keycloak kiwigrid kubernetes-sigs kubernetesui kyverno library linkerd linuxserver longhornio metallb minio newrelic " +
	"nginxinc oauth2-proxy oliver006 open-policy-agent open-telemetry opensearchproject openpolicyagent openshift openzipkin otel " +
	"percona pgbouncer prom prometheus prometheus-operator prometheuscommunity rancher sealed-secrets stakater strimzi temporalio " +
	"thanos tigera timberio timescale traefik velero victoriametrics weaveworks")

// upstreamNames are the names of images that many run, under whatever
// namespace they have a copy.
var upstreamNames = setOf("adminer aerospike alertmanager alpine amazonlinux arangodb bash bats blackbox-exporter busybox caddy " +
	"cassandra centos chronograf clickhouse-server cloud-sql-proxy cloudsql-proxy configmap-reload consul couchbase couchdb crate curl " +
	"debian docker eclipse-mosquito eclipse-temurin elasticsearch envoy etcd fedora fluent-bit fluentd gce-proxy golang grafana " +
	"grafana-image-renderer haproxy hazelcast httpbin httpd influxdb istio-proxy jaeger k8s-sidecar kafka keycloak kibana kong kubectl " +
	"kube-rbac-proxy kube-webhook-certgen localstack logstash loki loki-canary loki-helm-test mailhog mailpit mariadb memcached minio mongo " +
	"mongo-express mongodb mosquito mssql mysql nats neo4j nginx nginx-unprivileged node oauth-proxy oauth2-proxy ollama openjdk " +
	"opensearch opentelemetry-collector opentelemetry-collector-contrib orientdb os-shell pause percona pgadmin4 pgbouncer php phpmyadmin " +
	"postgis postgres postgresql prometheus prometheus-config-reloader promtail pushgateway python rabbitmq redis redis-sentinel " +
	"redis-stack registry rethinkdb rockylinux ruby scratch solr swagger-ui telegraf tempo temporal timescaledb tomcat traefik ubi " +
	"ubi-minimal ubi8 ubi9 ubuntu valkey varnish vault vector wait-for wait-for-it whoami zipkin zookeeper")
