//! Which words of an instruction a build expands.

use notes_dockerfile::Dockerfile;

/// From the `Expand` methods of `BuildKit`'s `frontend/dockerfile/instructions/commands.go`.
#[test]
fn a_build_expands_these_words_and_no_others() {
    for (line, expected) in [
        ("ADD --chown=$a --chmod=$b --checksum=$c --exclude=$x $d $e", "$a $b $c $d $e"),
        ("COPY --from=$x --chown=$a --chmod=$b --exclude=$x $c $d", "$a $b $c $d"),
        ("COPY <<$x $a\n$y\n$x", "$a"),
        ("ENV $a=$b $c=$d", "$a $b $c $d"),
        ("ENV a $b", "a $b"),
        ("LABEL $a=$b", "$a $b"),
        ("EXPOSE $a $b/udp", "$a $b/udp"),
        ("STOPSIGNAL $a", "$a"),
        ("USER $a:$b", "$a:$b"),
        ("VOLUME $a [$b]", "$a [$b]"),
        ("VOLUME [\"$a\"]", "$a"),
        ("WORKDIR $a/$b", "$a/$b"),
        ("ARG a=$b", "a $b"),
        ("RUN --mount=type=cache,target=$a,id=$b,uid=$c,mode=$d $x", "$b $d $c $a"),
        ("RUN --mount=type=secret,id=$a,target=$b,env=$c $x", "$a $b $c"),
        ("RUN --mount=target=$a,source=$b $x", "$a $b"),
        ("CMD $x", ""),
        ("CMD [\"$x\"]", ""),
        ("ENTRYPOINT $x", ""),
        ("HEALTHCHECK CMD $x", ""),
        ("SHELL [\"$x\"]", ""),
        ("MAINTAINER $x", ""),
        ("ONBUILD COPY $x $y", ""),
    ] {
        let source = format!("FROM debian\n{line}\n");
        let file = Dockerfile::parse(&source).unwrap_or_else(|error| panic!("{line}: {error}"));
        let words = file.stages[0].statements[0].instruction.words();
        let mut words: Vec<&str> = words.into_iter().map(notes_dockerfile::Word::raw).collect();
        let mut expected: Vec<&str> = expected.split(' ').filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        expected.sort_unstable();
        assert_eq!(words, expected, "{line}");
    }
}
