package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// The pieces that random texts are made of. They mean something, so that many texts are nearly right.
var pieces = map[string][]string{
	"expansion": {
		"$", "${", "}", "a", "b", "set", "empty", "unset", "two", ":", "-", "+", "?", "#", "%", "/", "//", "##", "%%",
		":-", ":+", ":?", "*", "?", "'", "\"", "\\", "`", " ", ".", "1", "0", "é", "_", "{", "$set", "${set", "${two", "${star", "<<",
	},
	"ignore": {
		"a", "b", "c", "/", "/", "*", "**", "**/", "/**", "?", ".", "..", "!", "!", "\n", "\n", "\n", "[a-b]", "[^a]", "\\*", "\\?", "\\[", "]", "#", " ",
		"{a,b}", "+", "$", "(", ".md",
	},
	"wildcard": {"a", "b", "c", "/", "*", "?", "[a-b]", "[^a]", "\\", "[", "]", "-", "^", "é", "{", "."},
	"dockerfile": {
		"FROM debian\n", "FROM debian AS ", "RUN ", "COPY ", "ADD ", "ENV ", "ARG ", "ONBUILD ", "CMD ", "ENTRYPOINT ", "VOLUME ", "HEALTHCHECK ",
		"SHELL ", "EXPOSE ", "LABEL ", "USER ", "WORKDIR ", "STOPSIGNAL ", "MAINTAINER ", "--mount=", "--from=x ", "--link ", "--chmod=755 ",
		"--chown=a:b ", "type=cache", ",target=/x ", "type=bind", ",source=/y", "type=secret,id=s ", "NONE", "CMD x", "<<EOF ", "<<-EOF\n", "<<'EOF' ",
		"EOF", "\nEOF\n", "\n", "\n", "\n", "\n", "\r\n", " \\\n", "\\\n", "\\", "#", "# c\n", "[\"a\"", "[\"a\", \"b\"]\n", ", ", "]", "{", "}", "$x", "${x}",
		"'", "\"", "=", "k=v ", " ", "\t", "é", "-- ", "a", "1", "80/tcp ", "/", "..", "*", "--interval=5s ", "--exclude=*.md ",
	},
}

var values = map[string]string{"set": "value", "empty": "", "two": "a b", "star": "a*b/c*b", "1": "one", "a": "aaa", "b": "b"}

type environment struct{}

func (environment) Get(name string) (string, bool) { value, set := values[name]; return value, set }
func (environment) Keys() []string                 { return nil }

func corpus(kind string, count int, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 0))
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for range count {
		if err := output.Encode(example(kind, random)); err != nil {
			return err
		}
	}
	return nil
}

func text(kind string, longest int, random *rand.Rand) string {
	var text strings.Builder
	for range 1 + random.IntN(longest) {
		text.WriteString(pieces[kind][random.IntN(len(pieces[kind]))])
	}
	return text.String()
}

func example(kind string, random *rand.Rand) object {
	switch kind {
	case "expansion":
		return expansion(text(kind, 10, random), random)
	case "ignore":
		return ignore(text(kind, 12, random), random)
	case "wildcard":
		pattern, name := text(kind, 8, random), text(kind, 6, random)
		matches, err := filepath.Match(pattern, name)
		return object{"pattern": pattern, "path": name, "matches": matches, "malformed": malformed(pattern) || err != nil}
	default:
		given := text(kind, 14, random)
		if random.IntN(4) > 0 {
			given = "FROM debian\n" + given
		}
		described := describe([]byte(given))
		described["text"] = given
		return described
	}
}

// malformed tells whether a pattern is, which Match finds only if the name leads it there.
func malformed(pattern string) bool {
	for _, name := range []string{"", "a", "b", "ab"} {
		if _, err := filepath.Match(pattern, name); err != nil {
			return true
		}
	}
	return false
}

func expansion(word string, random *rand.Rand) object {
	escape := '\\'
	if random.IntN(4) == 0 {
		escape = '`'
	}
	described := object{"word": word, "escape": string(escape)}
	lex := shell.NewLex(escape)
	result, err := lex.ProcessWordWithMatches(word, environment{})
	if err != nil {
		described["error"] = err.Error()
		return described
	}
	described["text"] = result.Result
	described["fields"] = list(result.Words)
	return described
}

// ignore walks down to a path as the walk over a context does, taking the results of the parents along.
func ignore(file string, random *rand.Rand) object {
	names := []string{"a", "b", "c", "ab", "a.md", "[", "{a,b}", "+", ".", "x"}
	path := []string{}
	for range 1 + random.IntN(3) {
		if name := names[random.IntN(len(names))]; name != "." {
			path = append(path, name)
		}
	}
	if len(path) == 0 {
		path = append(path, "a")
	}
	described := object{"file": file, "path": strings.Join(path, "/")}
	patterns, err := ignorefile.ReadAll(bytes.NewReader([]byte(file)))
	if err != nil {
		described["error"] = err.Error()
		return described
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		described["error"] = err.Error()
		return described
	}
	var excluded bool
	var info patternmatcher.MatchInfo
	for depth := range path {
		excluded, info, err = matcher.MatchesUsingParentResults(strings.Join(path[:depth+1], "/"), info)
		if err != nil {
			described["error"] = fmt.Sprint(err)
			return described
		}
	}
	described["excluded"] = excluded
	return described
}
