// Says what BuildKit's own frontend makes of a text, so that the Rust crate can be compared with it without Go.
//
//	go run . fixtures ../fixtures/*       writes buildkit.json into every folder
//	go run . corpus KIND COUNT SEED       prints COUNT random cases and what BuildKit makes of each, one JSON a line;
//	                                      KIND is expansion, ignore, wildcard or dockerfile
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 1 && arguments[0] == "fixtures" {
		return fixtures(arguments[1:])
	}
	if len(arguments) == 4 && arguments[0] == "corpus" {
		count, err := strconv.Atoi(arguments[2])
		if err != nil {
			return err
		}
		seed, err := strconv.ParseUint(arguments[3], 10, 64)
		if err != nil {
			return err
		}
		return corpus(arguments[1], count, seed)
	}
	return fmt.Errorf("usage: fixtures FOLDER... | corpus KIND COUNT SEED")
}

func fixtures(folders []string) error {
	for _, folder := range folders {
		text, err := os.ReadFile(filepath.Join(folder, "Dockerfile"))
		if err != nil {
			return err
		}
		described, err := json.MarshalIndent(describe(text), "", " ")
		if err != nil {
			return err
		}
		name := filepath.Join(folder, "buildkit.json")
		if err := os.WriteFile(name, append(described, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
