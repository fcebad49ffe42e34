//! Every rung of isolation makes the same layers.

use std::fs;

use serde_json::json;

use crate::world::{World, skipped};

/// A world in which builds run without mounts, or why there is none.
fn without_mounts(test: &str) -> Option<World> {
    if !rustix::process::geteuid().is_root() {
        return skipped(test, "changing the root directory needs root");
    }
    let mut world = World::new(test)?;
    world.options.insert("isolation", json!("chroot"));
    Some(world)
}

/// Builds with both rungs, in stores of their own, and compares the digests.
fn compare(test: &str, dockerfile: &str, prepare: impl Fn(&mut World)) {
    let Some(mut world) = without_mounts(test) else { return };
    prepare(&mut world);
    let without = world.build_in("without", dockerfile).unwrap_or_else(|it| panic!("{it}"));
    world.options.insert("isolation", json!("namespaces"));
    let with = match world.build_in("with", dockerfile) {
        Ok(built) => built,
        Err(reason) if reason.contains("is not offered here") => {
            return skipped(test, &reason).unwrap_or_default();
        }
        Err(error) => panic!("{error}"),
    };
    for (with, without) in with.image().layers().iter().zip(without.image().layers()) {
        assert_eq!(with.diff_id(), without.diff_id(), "{}", with.diff_id());
    }
    assert_eq!(with.name, without.name);
    let drafts = fs::read_dir(world.path("without/drafts")).unwrap().count();
    assert_eq!(drafts, 0, "nothing is left of the copies");
}

#[test]
fn changes_of_every_kind() {
    compare(
        "changes_of_every_kind",
        "FROM base:1\n\
         RUN mkdir -p /d/sub/deep /e && echo 1 > /d/sub/one && echo 2 > /d/two && ln /d/two /d/linked && \
             ln -s two /d/soft && echo 3 > /e/three && chmod 4750 /e/three && chown 7:8 /e/three\n\
         RUN rm -r /d/sub && mkdir /d/sub && echo new > /d/sub/new && rm /d/two && mkdir /d/two && \
             rm /d/soft && echo file > /d/soft && rm -r /e && ln -s d /e\n\
         RUN echo more >> /d/linked && mv /d/sub/new /d/sub/moved && mkdir /d/sub/new && rm -r /d/two\n\
         RUN rm /e && mkdir /e && echo again > /e/three && rm -r /d && echo 4 > /d\n",
        |_| {},
    );
}

#[test]
fn what_is_touched_and_not_changed() {
    compare(
        "what_is_touched_and_not_changed",
        "FROM base:1\n\
         RUN mkdir /d && echo 1 > /d/file && echo 2 > /d/other && echo 3 > /d/third && chmod 600 /d/other\n\
         RUN chmod 600 /d/other && chown 0:0 /d/file\n\
         RUN : >> /d/file && mkdir /t && touch /t/x && rm -r /t && chmod 755 /d\n\
         RUN true\n\
         RUN cp -p /d/file /d/copy && rm /d/file && mv /d/copy /d/file && stat -c %Y /d/file > /when\n\
         RUN ln /d/file /d/hard && touch /d\n\
         RUN echo through > /d/hard && cat /d/file /d/hard > /seen\n",
        |_| {},
    );
}

#[test]
fn special_files_and_attributes() {
    compare(
        "special_files_and_attributes",
        "FROM base:1\n\
         RUN busybox mkfifo -m 640 /pipe && busybox mknod /node c 1 3 && busybox mknod /block b 7 9 && \
             busybox dd if=/dev/zero of=/sparse bs=1 count=1 seek=8388608 && chmod 1777 /home\n\
         RUN busybox truncate -s 16777216 /sparse && chmod 600 /pipe && rm /block && touch /block && rm -r /home/app\n",
        |_| {},
    );
}

#[test]
fn directories_that_the_sandbox_needs_and_the_image_lacks_or_has() {
    compare(
        "directories_that_the_sandbox_needs_and_the_image_lacks_or_has",
        "FROM base:1\n\
         RUN echo 127.0.0.1 x >> /etc/hosts; echo x > /dev/x; mkdir -p /run/secrets/mine\n\
         RUN --mount=type=secret,id=token --mount=type=tmpfs,target=/home/app/tmp \
             cat /run/secrets/token > /dev/null && echo x > /home/app/tmp/x && echo y > /home/app/y\n\
         RUN --mount=type=cache,target=/var/cache/deep/down echo x > /var/cache/deep/down/x && \
             echo z > /var/cache/z\n\
         RUN --mount=type=secret,id=token,target=/etc/token true\n",
        |world| {
            world.options.insert("secrets", json!({"token": "hush"}));
        },
    );
}

#[test]
fn stages_copies_and_binds() {
    compare(
        "stages_copies_and_binds",
        "FROM base:1 AS tools\n\
         RUN mkdir /tools && echo tool > /tools/one && ln -s one /tools/two && chown 5:6 /tools/one\n\
         FROM base:1 AS other\n\
         COPY a.txt /other/\n\
         RUN --mount=type=bind,from=tools,source=/tools,target=/bound,rw \
             cat /bound/two > /out && echo lost > /bound/lost\n\
         FROM other\n\
         WORKDIR /work\n\
         COPY --from=tools /tools /work/tools\n\
         RUN --mount=type=bind,target=/context cat /context/a.txt tools/one > seen && rm tools/two\n\
         RUN ls -la /work/tools > listed && cat listed && rm listed\n",
        |world| {
            world.file("a.txt", "a\n");
        },
    );
}

#[test]
fn caches_are_kept_and_secrets_are_not() {
    let Some(mut world) = without_mounts("caches_are_kept_and_secrets_are_not") else { return };
    world.options.insert("secrets", json!({"token": "hush-hush"}));
    let dockerfile = |number: u32| {
        format!(
            "FROM base:1\n\
             RUN --mount=type=cache,target=/cache --mount=type=secret,id=token \
                 echo {number} >> /cache/runs && cat /cache/runs > /runs && cat /run/secrets/token | busybox wc -c > /length\n"
        )
    };
    world.build(&dockerfile(1));
    let built = world.build(&dockerfile(2));
    assert_eq!((built.text("runs"), built.text("length")), ("1\n2\n".into(), "9\n".into()));
    assert!(!built.exists("cache") && !built.exists("run"));
    let failing = "FROM base:1\nRUN --mount=type=cache,target=/cache --mount=type=secret,id=token \
                   echo failed >> /cache/runs && cp /run/secrets/token /copied && false\n";
    world.fail(failing);
    assert_eq!(world.build(&dockerfile(3)).text("runs"), "1\n2\nfailed\n3\n");
    assert_eq!(found(&world.path("store"), b"hush-hush"), [""; 0], "the secret is nowhere");
}

#[test]
fn what_has_no_mounts_is_refused_with_its_line() {
    let Some(world) = without_mounts("what_has_no_mounts_is_refused_with_its_line") else { return };
    let report = world.fail("FROM base:1\nRUN true\nRUN --network=none true\n");
    insta::assert_snapshot!(report, @r"
    error: isolation `chroot` cannot give a command a network of its own
     --> Dockerfile:3:1
      |
    3 | RUN --network=none true
      | ^^^^^^^^^^^^^^^^^^^^^^^
    hint: leave `--network=none` out, or run where a process may have name spaces
    ");
}

/// Returns the files below `directory` that hold `bytes`.
fn found(directory: &std::path::Path, bytes: &[u8]) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(found(&entry.path(), bytes));
        } else if kind.is_file() {
            let content = fs::read(entry.path()).unwrap();
            if content.windows(bytes.len()).any(|window| window == bytes) {
                files.push(entry.path().display().to_string());
            }
        }
    }
    files
}
