package transport

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	maxShare = 8    // no reply takes more than this part of the cache
	overhead = 1024 // of an entry, headers included
)

// cache keeps replies, the last used ones, up to a size. Nil keeps none.
type cache struct {
	size    int64
	mu      sync.Mutex
	used    int64
	entries map[string]*list.Element
	order   list.List // of *entry, the last used one first
}

// entry is a reply with status 200. It is never changed, but replaced.
type entry struct {
	key    string
	header http.Header
	body   []byte
}

func (e *entry) size() int64 { return int64(len(e.body) + len(e.key) + overhead) }

func newCache(size int64) *cache {
	if size < 0 {
		return nil
	}
	return &cache{size: size, entries: map[string]*list.Element{}}
}

// keyOf returns what a reply depends on, "" if it must not be kept.
func (c *cache) keyOf(req *http.Request) string {
	if c == nil || req.Method != http.MethodGet || (req.Body != nil && req.Body != http.NoBody) {
		return ""
	}
	for _, name := range []string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		if req.Header.Get(name) != "" {
			return "" // the caller does this itself
		}
	}
	hash := sha256.New()
	for _, name := range credentials {
		fmt.Fprintf(hash, "%q\n", req.Header.Values(name))
	}
	return fmt.Sprintf("%s\n%q\n%x", req.URL.String(), req.Header.Values("Accept"), hash.Sum(nil))
}

// condition makes a request one for what has changed, and returns the entry
// that holds if nothing has.
func (c *cache) condition(key string, req *http.Request) *entry {
	if key == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[key]
	if element == nil {
		return nil
	}
	c.order.MoveToFront(element)
	e := element.Value.(*entry)
	if tag := e.header.Get("ETag"); tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	if date := e.header.Get("Last-Modified"); date != "" {
		req.Header.Set("If-Modified-Since", date)
	}
	return e
}

// keep reads and stores a reply if it can be asked for again conditionally, and
// leaves it to be read. It fails if the body does.
func (c *cache) keep(key string, resp *http.Response) error {
	if key == "" || resp.StatusCode != http.StatusOK || resp.Body == nil || !isKeepable(resp.Header) {
		return nil
	}
	limit := c.size / maxShare
	if resp.ContentLength > limit {
		return nil
	}
	prefix, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return err
	}
	if int64(len(prefix)) > limit {
		resp.Body = &body{Reader: io.MultiReader(bytes.NewReader(prefix), resp.Body), Closer: resp.Body}
		return nil
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(prefix))
	c.put(&entry{key: key, header: resp.Header.Clone(), body: prefix})
	return nil
}

// isKeepable reports whether a reply has a validator and is no archive, which
// is read as it arrives.
func isKeepable(h http.Header) bool {
	if h.Get("ETag") == "" && h.Get("Last-Modified") == "" {
		return false
	}
	if strings.Contains(strings.ToLower(h.Get("Cache-Control")), "no-store") || h.Get("Vary") == "*" {
		return false
	}
	kind, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	switch strings.TrimSpace(kind) {
	case "application/gzip", "application/x-gzip", "application/x-tar", "application/x-compressed-tar", "application/zip":
		return false
	}
	return true
}

func (c *cache) put(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[e.key]; old != nil {
		c.drop(old)
	}
	if e.size() > c.size {
		return
	}
	c.entries[e.key] = c.order.PushFront(e)
	c.used += e.size()
	for c.used > c.size {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(element *list.Element) {
	e := c.order.Remove(element).(*entry)
	delete(c.entries, e.key)
	c.used -= e.size()
}

// renew turns a reply that says that nothing changed into the one that was kept,
// with the headers that are newer.
func (c *cache) renew(e *entry, resp *http.Response) {
	drain(resp)
	header := e.header.Clone()
	for name, values := range resp.Header {
		switch name {
		case "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding":
		default:
			header[name] = values
		}
	}
	c.put(&entry{key: e.key, header: header.Clone(), body: e.body})
	header.Set("X-From-Cache", "1") // by which go-github leaves its count of requests alone
	resp.Status = fmt.Sprintf("%d %s", http.StatusOK, http.StatusText(http.StatusOK))
	resp.StatusCode = http.StatusOK
	resp.Header = header
	resp.Body = io.NopCloser(bytes.NewReader(e.body))
	resp.ContentLength = int64(len(e.body))
	resp.TransferEncoding = nil
}
