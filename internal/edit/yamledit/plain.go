package yamledit

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// nonStrings are the words that some YAML reader takes for something other
// than a string: the core schema of YAML 1.2, and the types of YAML 1.1.
// https://yaml.org/spec/1.2.2/#103-core-schema, https://yaml.org/type/
var nonStrings = []string{
	"", "~", "null", "Null", "NULL", "=", "<<",
	"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
	"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
}

// numeric matches the numbers and dates of both, as PyYAML and Ruby read them,
// and what go-yaml adds to that.
var numeric = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join([]string{
		`[-+]?[0-9][0-9_]*`,                                                      // integers, with leading zeros too
		`[-+]?0[bB][01_]+|[-+]?0[oO][0-7_]+`,                                     // binary, octal
		`[-+]?0[xX][0-9a-fA-F_.]+(?:[pP][-+]?[0-9]+)?`,                           // hexadecimal
		`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`,                       // base 60
		`[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?`, // floats, "1e3" too
		`[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)`,
		`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9:.]+[ \t]*(?:Z|[-+][0-9:]+)?)?`, // timestamps
	}, "|") + `)$`)
})

// IsString reports whether value, written without quotes, is a string to
// readers of YAML 1.1 and of YAML 1.2 alike. It says nothing of whether value
// can be written without quotes at all.
func IsString(value string) bool {
	// go-yaml drops underscores before it looks for a number: 0_X0 is 0 to it.
	bare := strings.ReplaceAll(value, "_", "")
	if bare == "" || strings.IndexByte("0123456789+-.", bare[0]) < 0 {
		return !slices.Contains(nonStrings, value) && !slices.Contains(nonStrings, bare)
	}
	return !numeric().MatchString(value) && (len(bare) == len(value) || !numeric().MatchString(bare))
}

// isPlain reports whether value can replace the plain scalar old without
// quotes: it reads as a string, and holds no character that could end the
// scalar or start another construct, unless old has lived with that character.
func isPlain(old, value string) bool {
	if value == "" || !IsString(value) {
		return false
	}
	for i := range len(value) {
		c := value[i]
		safe := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '/' || c == '.' ||
			i > 0 && (c == '-' || c == '@' || c == '=' || c == '+' || c == ':' && i+1 < len(value))
		if !safe && (strings.IndexByte(old, c) < 0 || i == 0 && old[0] != c) {
			return false
		}
	}
	return true
}
