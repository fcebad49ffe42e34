// Says what kubectl and kstatus make of random objects, so that the Rust crate can be compared with them without Go.
//
//	go run . workloads COUNT SEED > workloads.jsonl   what `kubectl rollout status` prints of COUNT objects
//	go run . kinds COUNT SEED > kinds.jsonl           the state that kstatus computes of COUNT objects of other kinds
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubectl/pkg/polymorphichelpers"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("usage: workloads|kinds COUNT SEED")
	}
	count, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(arguments[2], 10, 64)
	if err != nil {
		return err
	}
	chance := newChance(seed)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for range count {
		answer, err := answer(arguments[0], chance)
		if err != nil {
			return err
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func answer(what string, chance *chance) (map[string]any, error) {
	switch what {
	case "workloads":
		object := &unstructured.Unstructured{Object: chance.workload()}
		kind := schema.GroupKind{Group: "apps", Kind: object.GetKind()}
		viewer, err := polymorphichelpers.StatusViewerFor(kind)
		if err != nil {
			return nil, err
		}
		text, done, err := viewer.Status(object, 0)
		answer := map[string]any{"object": object.Object, "done": done, "text": strings.TrimSuffix(text, "\n")}
		if err != nil {
			answer["error"] = err.Error()
		}
		return answer, nil
	case "kinds":
		object := &unstructured.Unstructured{Object: chance.other()}
		answer := map[string]any{"object": object.Object}
		result, err := status.Compute(object)
		if err != nil {
			answer["error"] = err.Error()
		} else {
			answer["state"] = result.Status.String()
		}
		return answer, nil
	}
	return nil, fmt.Errorf("neither workloads nor kinds: %s", what)
}
