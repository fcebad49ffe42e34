//! `RUN --mount`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use notes_sandbox::{Access, Mount, Secret};

use crate::world::{Who, as_user, everyone, everywhere};

#[test]
fn mount_points_leave_no_trace() {
    everywhere("mount_points_leave_no_trace", |world| {
        let base = world.path("base");
        symlink("../run/systemd/resolv.conf", base.join("etc/resolv.conf")).unwrap();
        symlink("/elsewhere", base.join("var")).unwrap();
        // A layer that removed what the sandbox provides.
        let above = world.directory("above");
        fs::create_dir(above.join("etc")).unwrap();
        fs::copy(base.join("etc/passwd"), above.join("etc/passwd")).unwrap();
        world.give_away();

        let mut command = world
            .script("cat /run/secrets/token /var/lib/cache/seed; cat /proc/mounts > /dev/null");
        command.root.lowers.push(above);
        let cache = world.directory("cache");
        world.file("cache/seed", "seed\n");
        command.mounts = vec![
            Mount::Secret {
                target: "/run/secrets/token".into(),
                content: Secret::new("hush\n"),
                mode: 0o400,
                uid: 0,
                gid: 0,
            },
            Mount::Cache { source: cache, target: "/var/lib/cache".into() },
        ];
        let answer = world.run(command);
        assert_eq!(answer.success(), "hush\nseed\n");
        assert_eq!(answer.changes, [""; 0]);
    });
}

#[test]
fn a_secret_belongs_to_whom_it_is_given() {
    for who in [Who::Current, Who::Ranges, Who::Chroot] {
        as_user("a_secret_belongs_to_whom_it_is_given", who, |world| {
            let mut command = world.script(
                "stat -c '%a %u:%g' /run/secrets/token; cat /run/secrets/token; \
                 echo x > /run/secrets/token; true",
            );
            command.user.uid = 7;
            command.mounts = vec![Mount::Secret {
                target: "/run/secrets/token".into(),
                content: Secret::new("hush\n"),
                mode: 0o440,
                uid: 7,
                gid: 8,
            }];
            assert!(!format!("{command:?}").contains("hush"));
            let answer = world.run(command);
            assert_eq!(answer.success(), "440 7:8\nhush\n");
            assert!(answer.stderr.contains("can't create"), "{}", answer.stderr);
        });
    }
}

#[test]
fn writes_go_where_the_mount_says() {
    everyone("writes_go_where_the_mount_says", |world| {
        let mut command = world.script(
            "for d in ro discarded kept; do echo new > /mnt/$d/file; cat /mnt/$d/file; done 2>/dev/null; \
             echo copy > /one; cat /one",
        );
        let bind = |name: &str, access| {
            let source = world.directory(name);
            world.file(&format!("{name}/file"), "old\n");
            Mount::Bind { source, target: PathBuf::from("/mnt").join(name), access }
        };
        command.mounts = vec![
            bind("ro", Access::ReadOnly),
            bind("discarded", Access::Discarded),
            bind("kept", Access::Kept),
            Mount::Bind {
                source: world.file("one", "one\n"),
                target: "/one".into(),
                access: Access::Discarded,
            },
        ];
        let answer = world.run(command);
        assert_eq!(answer.success(), "old\nnew\nnew\ncopy\n");
        assert_eq!(answer.changes, [""; 0]);
        let held = |name: &str| fs::read_to_string(world.path(name)).unwrap();
        assert_eq!(held("ro/file"), "old\n");
        assert_eq!(held("discarded/file"), "old\n");
        assert_eq!(held("kept/file"), "new\n");
        assert_eq!(held("one"), "one\n");
        assert_eq!(fs::read_dir(world.path("work")).unwrap().count(), 0);
    });
}

#[test]
fn a_mount_may_lie_in_an_earlier_one() {
    everywhere("a_mount_may_lie_in_an_earlier_one", |world| {
        let mut command = world.script("ls /outer; ls /outer/inner");
        let inner = world.directory("inner");
        world.file("inner/file", "");
        command.mounts = vec![
            Mount::Tmpfs { target: "/outer".into(), size: None },
            Mount::Bind { source: inner, target: "/outer/inner".into(), access: Access::ReadOnly },
        ];
        assert_eq!(world.run(command).success(), "inner\nfile\n");
    });
}

#[test]
fn a_tmpfs_holds_what_it_may() {
    everyone("a_tmpfs_holds_what_it_may", |world| {
        let mut command =
            world.script("head -c 200000 /dev/zero > /small/file; stat -c %s /small/file");
        command.mounts = vec![Mount::Tmpfs { target: "/small".into(), size: Some(64 << 10) }];
        let answer = world.run(command);
        assert_eq!(answer.success(), "65536\n");
    });
}

#[test]
fn a_source_that_is_a_symlink_is_refused() {
    everywhere("a_source_that_is_a_symlink_is_refused", |world| {
        let link = world.path("link");
        symlink("/etc/shadow", &link).unwrap();
        let mut command = world.script("cat /stolen");
        command.mounts =
            vec![Mount::Bind { source: link, target: "/stolen".into(), access: Access::ReadOnly }];
        let error = world.run(command).error.unwrap();
        assert!(error.contains("symbolic links"), "{error}");
    });
}
