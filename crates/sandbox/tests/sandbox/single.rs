//! With a single user id: owners are kept beside the files, and processes believe that they are others.

use std::path::Path;

use notes_sandbox::changes::OWNER_ATTRIBUTE;

use crate::world::{Who, World, as_user};

fn single(test: &str, run: impl Fn(World)) {
    as_user(test, Who::Single, run);
}

/// The owner that is written beside a file of the upper directory.
fn owner(world: &World, path: &str) -> String {
    let path = world.path("upper").join(path);
    match xattr::get(path, OWNER_ATTRIBUTE).unwrap() {
        Some(value) => String::from_utf8(value).unwrap(),
        None => "0:0".into(),
    }
}

#[test]
fn files_are_given_to_others() {
    single("files_are_given_to_others", |world| {
        let answer = world.run(world.script(
            "mkdir -p /d/e && touch /d/e/f /g /h /sgid && chmod 4755 /g && chown 5:6 /g && chown -R 7:8 /d && \
             chown :9 /h && chown 3 /h && ln -s g /link && chown 1:1 /link && chown 5:5 /sgid && chown 0:0 /sgid && \
             chown 4:4 /root/old/file && cd /d && chown 2 e/f && stat -c '%a %u:%g' /g e/f /bin && \
             ls -ln /h | busybox cut -d ' ' -f 1 && cp -p /h /copy && stat -c %u:%g /copy",
        ));
        let shown = "755 1:1\n644 2:8\n755 0:0\n-rw-r--r--\n3:9\n";
        assert_eq!(answer.success(), shown, "as the kernel does, it takes set-user-id away");
        let owners =
            ["g", "d", "d/e", "d/e/f", "h", "sgid", "root/old/file"].map(|it| owner(&world, it));
        assert_eq!(owners, ["1:1", "7:8", "7:8", "2:8", "3:9", "0:0", "4:4"]);
        assert_eq!(answer.stderr, "");
    });
}

#[test]
fn what_cannot_be_kept_is_said() {
    single("what_cannot_be_kept_is_said", |world| {
        let answer =
            world.run(world.script("ln -s x /link && chown -h 5:6 /link; chown 5:6 /bin/nothing"));
        assert!(answer.stderr.contains("No such file"), "{answer:?}");
        assert!(answer.stderr.contains("1 links or pipes belong to root"), "{answer:?}");
        let read_only = world.run(world.script("chown 5:6 /proc/version"));
        assert!(!read_only.stderr.is_empty() && read_only.stdout.is_empty(), "{read_only:?}");
    });
}

#[test]
fn a_process_becomes_another_and_makes_files() {
    single("a_process_becomes_another_and_makes_files", |world| {
        let answer = world.run(world.script(
            "mkdir /home && echo app:x:1000:1001::/:/bin/sh >> /etc/passwd && busybox su app -c 'id -u; id -g; mkdir /home/made; echo > /home/made/file; \
                 echo more >> /root/old/file; busybox mv /home/made/file /home/made/moved; sh -c \"echo > /home/child\"; \
                 chown 5 /root/old/file; :'; id -u; echo > /home/root",
        ));
        assert_eq!(answer.success(), "1000\n1001\n0\n", "{answer:?}");
        assert!(answer.stderr.contains("not permitted"), "only root gives files away: {answer:?}");
        let owners = ["home/made", "home/made/moved", "home/child", "home/root", "root/old/file"];
        let owners = owners.map(|it| owner(&world, it));
        assert_eq!(owners, ["1000:1001", "1000:1001", "1000:1001", "0:0", "0:0"]);
    });
}

#[test]
fn a_directory_gives_its_group() {
    single("a_directory_gives_its_group", |world| {
        let answer = world.run(world.script(
            "mkdir -p /mail && chown 0:8 /mail && chmod 2775 /mail && echo > /mail/box && mkdir /mail/sub && \
             echo > /mail/sub/box && stat -c %a /mail/sub",
        ));
        assert_eq!(answer.success(), "2755\n");
        let owners = ["mail/box", "mail/sub", "mail/sub/box"].map(|it| owner(&world, it));
        assert_eq!(owners, ["0:8", "0:8", "0:8"]);
    });
}

#[test]
fn a_changed_root_directory_is_followed() {
    single("a_changed_root_directory_is_followed", |world| {
        let answer = world.run(world.script(
            "mkdir -p /jail/bin /jail/etc && cp /bin/busybox /jail/bin/ && echo x > /jail/etc/file && echo x > /etc/file && \
             busybox chroot /jail /bin/busybox chown 5:6 /etc/file",
        ));
        answer.success();
        assert!(Path::new(&world.path("upper/jail/etc/file")).exists());
        assert_eq!([owner(&world, "jail/etc/file"), owner(&world, "etc/file")], ["5:6", "0:0"]);
    });
}
