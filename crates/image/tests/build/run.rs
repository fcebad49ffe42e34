//! `RUN`, and what ends up in the image.

use serde_json::json;

use crate::world::World;

#[test]
fn a_base_files_a_command_and_a_config_become_an_image() {
    let Some(world) = World::new("a_base_files_a_command_and_a_config_become_an_image") else {
        return;
    };
    world.file("hello.txt", "hello\n");
    let built = world.build(
        "ARG BASE=base:1\n\
         FROM ${BASE}\n\
         LABEL app=notes\n\
         ENV GREETING=\"good day\" PATH=/opt/bin:$PATH\n\
         WORKDIR /srv/app\n\
         COPY hello.txt ./\n\
         RUN cat hello.txt > copy.txt && echo $GREETING >> copy.txt && rm hello.txt\n\
         EXPOSE 8000 53/udp\n\
         USER app\n\
         CMD [\"cat\", \"copy.txt\"]\n",
    );
    assert_eq!(built.text("srv/app/copy.txt"), "hello\ngood day\n");
    assert!(!built.exists("srv/app/hello.txt"), "the whiteout hides it");
    insta::assert_json_snapshot!(built.image().config().config, @r#"
        {
          "User": "app",
          "ExposedPorts": {
            "53/udp": {},
            "8000/tcp": {}
          },
          "Env": [
            "PATH=/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "GREETING=good day"
          ],
          "Cmd": [
            "cat",
            "copy.txt"
          ],
          "WorkingDir": "/srv/app",
          "Labels": {
            "app": "notes"
          }
        }
        "#);
    insta::assert_snapshot!(built.history().join("\n"), @r#"
        base
        - LABEL app=notes
        - ENV GREETING=good day PATH=/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        WORKDIR /srv/app
        COPY hello.txt ./
        RUN /bin/sh -c cat hello.txt > copy.txt && echo $GREETING >> copy.txt && rm hello.txt
        - EXPOSE [53/udp 8000/tcp]
        - USER app
        - CMD ["cat" "copy.txt"]
        "#);
    assert_eq!(built.image().layers().len(), 4, "base, WORKDIR, COPY, RUN");
    let again = world.build(
        "ARG BASE=base:1\n\
         FROM ${BASE}\n\
         LABEL app=notes\n\
         ENV GREETING=\"good day\" PATH=/opt/bin:$PATH\n\
         WORKDIR /srv/app\n\
         COPY hello.txt ./\n\
         RUN cat hello.txt > copy.txt && echo $GREETING >> copy.txt && rm hello.txt\n\
         EXPOSE 8000 53/udp\n\
         USER app\n\
         CMD [\"cat\", \"copy.txt\"]\n",
    );
    assert_eq!(again.name, built.name);
    assert!(!again.outcomes().contains(&"ran"), "{:?}", again.outcomes());
}

#[test]
fn arguments_reach_commands_and_not_the_image() {
    let Some(mut world) = World::new("arguments_reach_commands_and_not_the_image") else { return };
    world.options.insert("arguments", json!({"VERSION": "2", "HTTP_PROXY": "http://proxy"}));
    let built = world.build(
        "FROM base:1\n\
         ARG VERSION=1 UNSET\n\
         ENV FULL=v$VERSION\n\
         RUN echo \"$VERSION $FULL $http_proxy [$UNSET]\" > /out\n",
    );
    assert_eq!(built.text("out"), "2 v2 http://proxy []\n");
    assert_eq!(built.image().config().config.env.last().unwrap(), "FULL=v2");
    assert_eq!(
        built.history().last().unwrap(),
        "RUN |2 VERSION=2 UNSET= /bin/sh -c echo \"$VERSION $FULL $http_proxy [$UNSET]\" > /out"
    );
}

#[test]
fn an_offer_reaches_the_stage_that_declares_it_and_no_other() {
    let test = "an_offer_reaches_the_stage_that_declares_it_and_no_other";
    let Some(mut world) = World::new(test) else { return };
    let dockerfile = "FROM base:1\n\
         RUN echo \"[$COMMIT]\" > /before\n\
         ARG COMMIT=unknown\n\
         RUN echo \"[$COMMIT]\" > /after\n";
    let undeclared = "FROM base:1\nRUN echo \"[$COMMIT]\" > /out\n";
    world.options.insert("offers", json!({"COMMIT": "one"}));
    let built = world.build(dockerfile);
    assert_eq!((built.text("before"), built.text("after")), ("[]\n".into(), "[one]\n".into()));
    let without = world.build(undeclared);

    // What nobody declares is no input: only the steps behind the declaration run again.
    world.options.insert("offers", json!({"COMMIT": "two"}));
    let built = world.build(dockerfile);
    assert_eq!(built.outcomes(), ["cached", "config", "ran"]);
    assert_eq!(built.text("after"), "[two]\n");
    assert_eq!(world.build(undeclared).name, without.name);

    world.options.insert("arguments", json!({"COMMIT": "given"}));
    assert_eq!(world.build(dockerfile).text("after"), "[given]\n", "what is given beats an offer");
}

#[test]
fn heredocs_are_scripts_and_files() {
    let Some(world) = World::new("heredocs_are_scripts_and_files") else { return };
    let built = world.build(
        "FROM base:1\n\
         ENV WHO=world\n\
         COPY <<EOF <<\"RAW\" /srv/\nhello $WHO\nEOF\nhello $WHO\nRAW\n\
         RUN <<EOF\nset -e\ncat /srv/EOF > /script\necho \"$WHO\" >> /script\nEOF\n\
         RUN <<EOF\n#!/bin/busybox cat\nits own program\nEOF\n\
         RUN cat <<ONE > /one && cat <<TWO > /two\n1\nONE\n2\nTWO\n",
    );
    assert_eq!(built.text("srv/EOF"), "hello world\n");
    assert_eq!(built.text("srv/RAW"), "hello $WHO\n");
    assert_eq!(built.text("script"), "hello world\nworld\n");
    assert_eq!((built.text("one"), built.text("two")), ("1\n".into(), "2\n".into()));
    assert!(!built.exists("dev"), "mount points leave no trace");
    assert_eq!(built.answer["output"][1], "its own program");
}

#[test]
fn mounts_leave_no_trace() {
    let Some(mut world) = World::new("mounts_leave_no_trace") else { return };
    world.file("wheels/a.whl", "wheel\n");
    world.options.insert("secrets", json!({"token": "hush"}));
    let dockerfile = "FROM base:1 AS tools\n\
         RUN echo tool > /tool\n\
         FROM base:1\n\
         RUN --mount=type=bind,source=wheels,target=/wheels \
             --mount=type=bind,from=tools,target=/tools \
             --mount=type=cache,target=/cache \
             --mount=type=tmpfs,target=/memory \
             --mount=type=secret,id=token \
             cat /wheels/a.whl /tools/tool /run/secrets/token > /out && \
             touch /cache/x /memory/y && ls /cache > /cached\n";
    let built = world.build(dockerfile);
    assert_eq!(built.text("out"), "wheel\ntool\nhush");
    for gone in ["wheels", "tools", "cache", "memory", "run"] {
        assert!(!built.exists(gone), "{gone} is in the image");
    }
    world.options.insert("secrets", json!({"token": "other"}));
    let again = world.build(dockerfile);
    assert!(!again.outcomes().contains(&"ran"), "a secret is not in the key");
}

#[test]
fn stages_that_are_not_needed_are_not_built() {
    let Some(world) = World::new("stages_that_are_not_needed_are_not_built") else { return };
    let built = world.build(
        "FROM base:1 AS Builder\n\
         RUN mkdir /out && echo built > /out/file && ln /out/file /out/link\n\
         FROM base:1 AS unused\n\
         RUN false\n\
         FROM scratch\n\
         COPY --from=builder /out/ /app/\n\
         COPY --from=0 /out/file /numbered\n",
    );
    assert_eq!(built.text("app/link"), "built\n");
    assert_eq!(built.text("numbered"), "built\n");
    let link = built.tree().entry("app/link".as_ref()).unwrap().unwrap();
    assert!(link.inode.is_some(), "hard links stay hard links");
    assert_eq!(built.image().config().config.working_dir, "/");
}

#[test]
fn what_is_deleted_and_replaced_stays_so() {
    let Some(world) = World::new("what_is_deleted_and_replaced_stays_so") else { return };
    let built = world.build(
        "FROM base:1\n\
         RUN mkdir -p /d/sub && touch /d/sub/old /d/old /file && ln -s d /link\n\
         RUN rm -r /d && mkdir /d && touch /d/new && rm /file && mkdir /file\n\
         RUN ls -R /d /file > /seen\n",
    );
    assert_eq!(built.text("seen"), "/d:\nnew\n\n/file:\n");
    assert!(built.exists("d/new") && !built.exists("d/sub") && !built.exists("d/old"));
    assert_eq!(built.describe("link"), "link to d 777 0:0");
}

#[test]
fn triggers_fire_in_the_build_on_top_and_are_gone() {
    let Some(world) = World::new("triggers_fire_in_the_build_on_top_and_are_gone") else { return };
    world.file("app.txt", "app\n");
    let built = world.build(
        "FROM base:1 AS parent\n\
         ONBUILD COPY app.txt /onbuild/\n\
         ONBUILD RUN cat /onbuild/app.txt > /fired\n\
         FROM parent\n\
         RUN cat /fired > /after\n",
    );
    assert_eq!(built.text("after"), "app\n");
    assert!(built.image().config().config.on_build.is_empty());
}

#[test]
fn entrypoint_and_shell_follow_the_rules() {
    let Some(world) = World::new("entrypoint_and_shell_follow_the_rules") else { return };
    let built = world.build(
        "FROM base:1 AS parent\n\
         CMD [\"inherited\"]\n\
         FROM parent\n\
         SHELL [\"/bin/sh\", \"-ec\"]\n\
         ENTRYPOINT exec serve\n\
         HEALTHCHECK --interval=5s --retries=2 CMD wget -q localhost\n\
         STOPSIGNAL SIGINT\n\
         VOLUME /data\n",
    );
    insta::assert_json_snapshot!(built.image().config().config, @r#"
        {
          "Env": [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
          ],
          "Entrypoint": [
            "/bin/sh",
            "-ec",
            "exec serve"
          ],
          "Volumes": {
            "/data": {}
          },
          "StopSignal": "SIGINT",
          "Healthcheck": {
            "Test": [
              "CMD-SHELL",
              "wget -q localhost"
            ],
            "Interval": 5000000000,
            "Retries": 2
          },
          "Shell": [
            "/bin/sh",
            "-ec"
          ]
        }
        "#);
}

#[test]
fn a_command_runs_as_the_user_of_the_image() {
    let Some(world) = World::new("a_command_runs_as_the_user_of_the_image") else { return };
    let built = world.build(
        "FROM base:1\n\
         USER second\n\
         WORKDIR /home/app/made\n\
         RUN echo $HOME > out && pwd >> out\n",
    );
    assert_eq!(built.text("home/app/made/out"), "/home/app\n/home/app/made\n");
}
