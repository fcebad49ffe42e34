package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

type object = map[string]any

// describe returns what the parser makes of a Dockerfile and what the rules say.
func describe(text []byte) object {
	syntax, _, _, _ := parser.DetectSyntax(text)
	checkOption, _, _, _ := parser.ParseDirective("check", text)
	_, checkError := linter.ParseLintOptions(checkOption)
	result, err := parser.Parse(bytes.NewReader(text))
	var stages []instructions.Stage
	var arguments []instructions.ArgCommand
	if err == nil {
		stages, arguments, err = instructions.Parse(result.AST, linter.New(&linter.Config{}))
	}
	if err == nil {
		err = checkError
	}
	if err == nil && len(stages) == 0 {
		err = fmt.Errorf("dockerfile contains no stages to build")
	}
	if err != nil {
		return object{"error": err.Error()}
	}
	described := object{"escape": string(result.EscapeToken), "syntax": syntax, "stages": []object{}}
	globals := []object{}
	for index := range arguments {
		globals = append(globals, command(&arguments[index]))
	}
	described["arguments"] = globals
	all := []object{}
	for _, stage := range stages {
		commands := []object{}
		for _, below := range stage.Commands {
			commands = append(commands, command(below))
		}
		all = append(all, object{
			"base": stage.BaseName, "name": stage.Name, "platform": stage.Platform,
			"line": line(stage.Location), "commands": commands,
		})
	}
	described["stages"] = all
	described["findings"], described["refused"] = findings(text)
	return described
}

func line(location []parser.Range) int {
	if len(location) == 0 {
		return 0
	}
	return location[0].Start.Line
}

func literal(word string) (string, error) { return word, nil }

func command(given instructions.Command) object {
	described := fields(given)
	described["name"] = strings.ToUpper(given.Name())
	described["line"] = line(given.Location())
	return described
}

func fields(given instructions.Command) object {
	switch c := given.(type) {
	case *instructions.EnvCommand:
		return object{"pairs": pairs(c.Env)}
	case *instructions.LabelCommand:
		return object{"pairs": pairs(c.Labels)}
	case *instructions.ArgCommand:
		declared := [][]any{}
		for _, argument := range c.Args {
			var value any
			if argument.Value != nil {
				value = *argument.Value
			}
			declared = append(declared, []any{argument.Key, value})
		}
		return object{"declared": declared}
	case *instructions.AddCommand:
		described := sources(c.SourcesAndDest)
		described["flags"] = []any{c.Chown, c.Chmod, c.Link, c.KeepGitDir != nil && *c.KeepGitDir, c.Checksum, c.Unpack, list(c.ExcludePatterns)}
		return described
	case *instructions.CopyCommand:
		described := sources(c.SourcesAndDest)
		described["flags"] = []any{c.From, c.Chown, c.Chmod, c.Link, c.Parents, list(c.ExcludePatterns)}
		return described
	case *instructions.RunCommand:
		return runFields(c)
	case *instructions.CmdCommand:
		return object{"command": commandLine(c.ShellDependantCmdLine)}
	case *instructions.EntrypointCommand:
		return object{"command": commandLine(c.ShellDependantCmdLine)}
	case *instructions.HealthCheckCommand:
		h := c.Health
		return object{"test": h.Test, "times": []any{h.Interval, h.Timeout, h.StartPeriod, h.StartInterval}, "retries": h.Retries}
	case *instructions.ExposeCommand:
		return object{"words": c.Ports}
	case *instructions.VolumeCommand:
		return object{"words": c.Volumes}
	case *instructions.ShellCommand:
		return object{"words": []string(c.Shell)}
	case *instructions.OnbuildCommand:
		return object{"text": strings.TrimSpace(c.Expression)}
	case *instructions.StopSignalCommand:
		return object{"text": c.Signal}
	case *instructions.UserCommand:
		return object{"text": c.User}
	case *instructions.WorkdirCommand:
		return object{"text": c.Path}
	case *instructions.MaintainerCommand:
		return object{"text": c.Maintainer}
	default:
		panic(fmt.Sprintf("%T is not described", c))
	}
}

func list(values []string) []string { return append([]string{}, values...) }

func pairs(given instructions.KeyValuePairs) [][]any {
	described := [][]any{}
	for _, pair := range given {
		described = append(described, []any{pair.Key, pair.Value, pair.NoDelim})
	}
	return described
}

func sources(given instructions.SourcesAndDest) object {
	contents := [][]any{}
	for _, content := range given.SourceContents {
		contents = append(contents, []any{content.Path, content.Data, content.Expand})
	}
	return object{"sources": list(given.SourcePaths), "contents": contents, "destination": given.DestPath}
}

func commandLine(line instructions.ShellDependantCmdLine) object {
	if !line.PrependShell {
		return object{"exec": list(line.CmdLine)}
	}
	return object{"shell": strings.Join(line.CmdLine, " ")}
}

// runFields puts heredocs together as dispatchRun in dockerfile2llb/convert.go does.
func runFields(c *instructions.RunCommand) object {
	described := object{"command": commandLine(c.ShellDependantCmdLine)}
	if len(c.Files) > 0 {
		file := c.Files[0]
		if parser.MustParseHeredoc(c.CmdLine[0]) != nil {
			data := file.Data
			if file.Chomp {
				data = parser.ChompHeredocContent(data)
			}
			described["command"] = object{"script": data}
		} else {
			full := c.CmdLine[0]
			for _, file := range c.Files {
				full += "\n" + file.Data + file.Name
			}
			described["command"] = object{"shell": full}
		}
	}
	described["network"] = instructions.GetNetwork(c)
	described["security"] = instructions.GetSecurity(c)
	if err := c.Expand(literal); err != nil {
		described["mounts"] = "error"
		return described
	}
	mounts := []object{}
	for _, mount := range instructions.GetMounts(c) {
		if mount.Type == instructions.MountTypeCache && mount.CacheSharing == "" {
			mount.CacheSharing = instructions.MountSharingShared
		}
		if mount.Type == instructions.MountTypeSecret && mount.CacheID == "" {
			mount.CacheID, mount.Source = mount.Source, ""
		}
		mounts = append(mounts, object{
			"type": mount.Type, "from": mount.From, "source": mount.Source, "target": mount.Target,
			"readonly": mount.ReadOnly, "size": mount.SizeLimit, "id": mount.CacheID, "sharing": mount.CacheSharing,
			"required": mount.Required, "env": mount.Env, "mode": mount.Mode, "uid": mount.UID, "gid": mount.GID,
		})
	}
	described["mounts"] = mounts
	return described
}

func sorted(values []string) []string {
	slices.Sort(values)
	return values
}
