package main

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/appcontext"
	"github.com/opencontainers/go-digest"
)

// images answers for every image with one config that sets PATH and nothing else.
type images struct{}

const config = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":[]}}`

func (images) ResolveImageConfig(_ context.Context, reference string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return reference, digest.FromString(config), []byte(config), nil
}

// findings returns `rule:line` for everything that `docker build --check` reports, and why it stopped.
func findings(text []byte) ([]string, string) {
	context := appcontext.Context()
	main := llb.Local("context")
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	capabilities := pb.Caps.CapSet(pb.Caps.All())
	results, err := dockerfile2llb.DockerfileLint(context, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{},
		MainContext:  &main,
		SourceMap:    source,
		LLBCaps:      &capabilities,
		MetaResolver: images{},
	})
	if err != nil {
		return nil, err.Error()
	}
	found := []string{}
	for _, warning := range results.Warnings {
		line := int32(0)
		if len(warning.Location.GetRanges()) > 0 {
			line = warning.Location.Ranges[0].Start.Line
		}
		found = append(found, fmt.Sprintf("%s:%d", warning.RuleName, line))
	}
	refused := ""
	if results.Error != nil {
		refused = results.Error.Message
	}
	return sorted(found), refused
}
