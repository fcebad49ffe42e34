//! What is different on the rung without mounts.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use notes_sandbox::changes::changes;
use notes_sandbox::{Access, Command, Exit, Mount, Network, Secret};

use crate::world::{Who, World, as_user};

fn without_mounts(test: &str, run: impl Fn(World)) {
    as_user(test, Who::Chroot, run);
}

#[test]
fn what_changed_is_found_by_an_index() {
    without_mounts("what_changed_is_found_by_an_index", |world| {
        let answer = world.run(world.script(
            "set -e; echo new > /new; echo more >> /etc/passwd; rm -r /root/old; mkdir /root/old; \
             echo young > /root/old/file; mkdir -p /a/b; ln /new /a/hard; ln -s nowhere /a/b/soft; \
             rm /bin/wc; touch /gone; rm /gone; chmod 700 /tmp; mknod /pipe p",
        ));
        answer.success();
        insta::assert_snapshot!(answer.changes.join("\n"), @r"
        A a
        A a/b
        A a/b/soft
        A a/hard
        C bin
        D bin/wc
        C etc
        C etc/passwd
        A new
        A pipe
        C root
        C root/old
        C root/old/file
        C tmp
        ");
        let root = world.root();
        let found = changes(&root.upper, &root.lowers).unwrap();
        let new = found.iter().find(|change| change.path.as_os_str() == "new").unwrap();
        assert_eq!(new.link.as_deref(), Some("a/hard".as_ref()), "hard links stay hard links");
    });
}

#[test]
fn the_layers_are_never_written_to() {
    without_mounts("the_layers_are_never_written_to", |world| {
        let before = fs::metadata(world.path("base/etc/passwd")).unwrap();
        let answer = world.run(world.script(
            "echo more >> /etc/passwd; chmod 600 /bin/busybox; rm -r /root/old; touch /etc/passwd",
        ));
        answer.success();
        let after = fs::metadata(world.path("base/etc/passwd")).unwrap();
        assert_eq!((before.ctime_nsec(), before.size()), (after.ctime_nsec(), after.size()));
        let busybox = fs::metadata(world.path("base/bin/busybox")).unwrap();
        assert_eq!(busybox.permissions().mode() & 0o777, 0o755);
        assert!(world.path("base/root/old/file").exists());
    });
}

#[test]
fn a_file_that_is_written_through_one_of_its_links_leaves_the_others() {
    let test = "a_file_that_is_written_through_one_of_its_links_leaves_the_others";
    without_mounts(test, |world| {
        let base = world.path("base");
        fs::write(base.join("one"), "before\n").unwrap();
        fs::hard_link(base.join("one"), base.join("two")).unwrap();
        let answer = world.run(world.script("echo after > /one; cat /one /two"));
        assert_eq!(answer.success(), "after\nbefore\n");
        assert_eq!(answer.changes, ["C one"]);
    });
}

#[test]
fn the_next_command_goes_on_in_the_same_copy() {
    without_mounts("the_next_command_goes_on_in_the_same_copy", |world| {
        let answers = world.chain(&[
            "echo 1 > /one; rm -r /root/old; ls /",
            "true",
            "cat /one; echo 2 > /two; mkdir /root/old; ls -a /root/old; mv /one /three",
            "ls / /root/old; cat /two /three",
        ]);
        for answer in &answers {
            answer.success();
        }
        assert_eq!(answers[0].changes, ["A one", "C root", "D root/old"]);
        assert_eq!(answers[1].changes, [""; 0]);
        assert_eq!(answers[2].stdout, "1\n.\n..\n");
        assert_eq!(answers[2].changes, ["D one", "C root", "A root/old", "A three", "A two"]);
        let seen = "/:\nbin\ndev\netc\nproc\nroot\nsys\nthree\ntmp\ntwo\n\n/root/old:\n2\n1\n";
        assert_eq!(answers[3].stdout, seen);
        let copies = fs::read_dir(world.path("work-0")).unwrap().count();
        assert_eq!(copies, 0, "the copy of the process is gone with it");
    });
}

#[test]
fn what_needs_no_process_of_its_own_is_there() {
    without_mounts("what_needs_no_process_of_its_own_is_there", |world| {
        let answer = world.run(world.script(
            "set -e; echo gone > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; \
             echo x > /dev/shm/x; grep -c localhost /etc/hosts; test -f /etc/resolv.conf; \
             grep -q MemTotal /proc/meminfo; grep -q processor /proc/cpuinfo; cat /proc/mounts; \
             test -d /sys; echo 1.2.3.4 extra >> /etc/hosts; env | sort; id -u; pwd; cat; ulimit -n > /dev/null",
        ));
        let expected = "4\n4\nnone / none rw 0 0\nPATH=/bin\nPWD=/\nSHLVL=1\n0\n/\n";
        let said: Vec<_> =
            answer.success().lines().filter(|line| line.parse::<u32>() != Ok(2)).collect();
        assert!(expected.lines().all(|line| said.contains(&line)), "{said:?}");
        assert!(!said.iter().any(|line| line.contains("LEAK")), "{said:?}");
        assert_eq!(answer.changes, [""; 0]);
    });
}

/// A program that is given `/dev/stdout` for a pipe must not write a file of that name.
#[test]
fn what_needs_proc_of_its_own_says_so() {
    without_mounts("what_needs_proc_of_its_own_says_so", |world| {
        let answer = world.run(world.script("echo lost > /dev/stdout"));
        assert_eq!(answer.exit.map(Exit::is_success), Some(false));
        assert!(answer.stderr.contains("/dev/stdout"), "{}", answer.stderr);
    });
}

#[test]
fn writes_to_copies_go_where_the_mount_says() {
    without_mounts("writes_to_copies_go_where_the_mount_says", |world| {
        let mut command = world.script(
            "for d in ro discarded kept cache; do echo new > /mnt/$d/file; done; rm /mnt/cache/gone; \
             mkdir /mnt/cache/deep; echo deep > /mnt/cache/deep/file; echo copy > /one",
        );
        let bind = |name: &str, access| {
            let source = world.directory(name);
            world.file(&format!("{name}/file"), "old\n");
            Mount::Bind { source, target: PathBuf::from("/mnt").join(name), access }
        };
        let cache = world.directory("cache");
        world.file("cache/file", "old\n");
        world.file("cache/gone", "old\n");
        command.mounts = vec![
            bind("ro", Access::ReadOnly),
            bind("discarded", Access::Discarded),
            bind("kept", Access::Kept),
            Mount::Cache { source: cache, target: "/mnt/cache".into() },
            Mount::Bind {
                source: world.file("one", "one\n"),
                target: "/one".into(),
                access: Access::Discarded,
            },
        ];
        let answer = world.run(command);
        answer.success();
        assert_eq!(answer.changes, [""; 0]);
        let held = |name: &str| fs::read_to_string(world.path(name)).unwrap();
        assert_eq!((held("ro/file"), held("discarded/file")), ("old\n".into(), "old\n".into()));
        assert_eq!((held("kept/file"), held("one")), ("new\n".into(), "one\n".into()));
        assert_eq!(
            (held("cache/file"), held("cache/deep/file")),
            ("new\n".into(), "deep\n".into())
        );
        assert!(!world.path("cache/gone").exists());
        assert_eq!(fs::read_dir(world.path("work")).unwrap().count(), 0);
    });
}

fn with_secret(world: &World, script: &str) -> Command {
    let mut command = world.script(script);
    command.mounts = vec![Mount::Secret {
        target: "/run/secrets/token".into(),
        content: Secret::new("hush\n"),
        mode: 0o400,
        uid: 0,
        gid: 0,
    }];
    command
}

/// Where there are mounts the kernel refuses both.
#[test]
fn a_secret_that_is_moved_or_linked_is_in_no_layer() {
    without_mounts("a_secret_that_is_moved_or_linked_is_in_no_layer", |world| {
        let script = "ln /run/secrets/token /tmp/linked; mkdir /deep; mv /run/secrets/token /deep/moved; \
                      cat /deep/moved";
        let answer = world.run(with_secret(&world, script));
        assert_eq!(answer.success(), "hush\n");
        assert_eq!(answer.changes, ["A deep", "A run", "A run/secrets", "C tmp"]);
    });
}

/// Whatever a command puts in the place of a directory, nothing outside of the root is touched.
#[test]
fn links_that_a_command_leaves_are_not_followed() {
    without_mounts("links_that_a_command_leaves_are_not_followed", |world| {
        let outside = world.directory("outside");
        for name in ["hosts", "resolv.conf", "token"] {
            world.file(&format!("outside/{name}"), "mine\n");
        }
        let script = format!(
            "rm -r /etc /run; ln -s {0} /etc; mkdir /run; ln -s {0} /run/secrets; ln -s {0} /lib",
            outside.display()
        );
        let answer = world.run(with_secret(&world, &script));
        answer.success();
        for name in ["hosts", "resolv.conf", "token"] {
            assert_eq!(fs::read_to_string(outside.join(name)).unwrap(), "mine\n");
        }
        assert_eq!(answer.changes, ["C etc", "A lib", "A run", "A run/secrets"]);
    });
}

#[test]
fn what_it_does_not_have_is_an_error() {
    without_mounts("what_it_does_not_have_is_an_error", |world| {
        let told = |change: &dyn Fn(&mut Command)| {
            let mut command = world.script("true");
            change(&mut command);
            let answer = world.run(command);
            format!("{}\n  {}", answer.error.unwrap(), answer.hint.unwrap())
        };
        let tmpfs = Mount::Tmpfs { target: "/memory".into(), size: Some(1 << 20) };
        let all = [
            told(&|command| command.network = Network::None),
            told(&|command| command.hostname = "other".to_owned()),
            told(&|command| command.mounts = vec![tmpfs.clone()]),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        isolation `chroot` cannot give a command a network of its own
          leave `--network=none` out, or run where a process may have name spaces
        isolation `chroot` cannot give a command a host name of its own
          leave the host name out
        isolation `chroot` cannot give a command a limit for a tmpfs mount, which is a directory here
          leave `size` out
        ");
    });
}
