//! What a command finds, and how failures read.

use notes_sandbox::{EnterError, Exit, Network, Options};

use crate::world::{Answer, Who, World, as_user, everyone, everywhere};

#[test]
fn a_program_without_init_is_never_started_again() {
    let error = notes_sandbox::probe(&Options::default()).unwrap_err();
    assert!(matches!(error, EnterError::NotInitialised));
    insta::assert_snapshot!(error.hint().unwrap(), @"call it in the first line of `main`");
}

#[test]
fn nothing_of_the_caller_is_inherited() {
    everyone("nothing_of_the_caller_is_inherited", |world| {
        let answer = world.run(world.script(
            "exec 2>&1; env | sort; hostname; id -u; pwd; cat; \
             ls /proc/$$/fd; \
             grep -E 'Cap(Inh|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status",
        ));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.success(), @r"
            PATH=/bin
            PWD=/
            SHLVL=1
            build
            0
            /
            0
            1
            2
            CapInh:	0000000000000000
            CapEff:	00000000a80425fb
            CapBnd:	00000000a80425fb
            CapAmb:	0000000000000000
            NoNewPrivs:	0
            ");
        }
        assert_eq!(answer.changes, [""; 0]);
    });
}

#[test]
fn the_usual_files_are_there() {
    everyone("the_usual_files_are_there", |world| {
        let answer = world.run(world.script(
            "set -e; exec 2>&1; echo gone > /dev/null; head -c 4 /dev/zero | wc -c; \
             head -c 4 /dev/urandom | wc -c; echo out > /dev/stdout; echo x > /dev/shm/x; \
             test -c /dev/ptmx; test -e /dev/mqueue; test -e /dev/console; test -r /proc/self/maps; \
             test -d /sys/kernel; grep -c localhost /etc/hosts; test -f /etc/resolv.conf; \
             echo 1.2.3.4 extra >> /etc/hosts; test -e /proc/1/status; echo temporary > /tmp/x; rm /tmp/x",
        ));
        let said = answer.success();
        assert!(said.starts_with("4\n4\nout\n"), "{said}");
        // A file made and removed leaves its directory's time behind and nothing else.
        assert_eq!(answer.changes, ["C tmp"]);
    });
}

#[test]
fn what_a_command_makes_of_tmp_is_a_change_like_any_other() {
    everywhere("what_a_command_makes_of_tmp_is_a_change_like_any_other", |world| {
        std::fs::remove_dir(world.path("base/tmp")).unwrap();
        let answer = world.run(world.script("mkdir /tmp && echo kept > /tmp/x"));
        assert_eq!(answer.success(), "");
        assert_eq!(answer.changes, ["A tmp", "A tmp/x"]);
    });
}

#[test]
fn the_machine_is_out_of_reach() {
    everyone("the_machine_is_out_of_reach", |world| {
        let answer = world.run(world.script(
            "echo 0 > /proc/sys/kernel/panic; cat /proc/1/environ; cat /proc/1/fd/0; \
             echo x > /proc/1/exe; echo x > /sys/kernel/x; \
             mknod /disk c 1 1 && cat /disk; cat /proc/kcore; true",
        ));
        assert_eq!(answer.success(), "");
        let refused = answer.stderr.lines().filter(|line| {
            ["denied", "Read-only", "not permitted", "nonexistent", "No such file"]
                .iter()
                .any(|word| line.contains(word))
        });
        assert!(refused.count() >= 6, "{}", answer.stderr);
    });
}

#[test]
fn calls_that_lead_out_of_a_name_space_are_refused() {
    everyone("calls_that_lead_out_of_a_name_space_are_refused", |world| {
        let answer = world.run(world.script(
            "exec 2>&1; grep Seccomp: /proc/self/status; for part in U m n p u i; do unshare -$part true; done; \
             mount -t tmpfs none /tmp; umount /proc; (sleep 0 & wait) && echo forked",
        ));
        let said = answer.success();
        assert!(said.starts_with("Seccomp:\t2\n") && said.ends_with("\nforked\n"), "{said}");
        assert_eq!(said.matches("not permitted").count(), 7, "{said}");
    });
}

#[test]
fn a_network_of_none_has_a_loopback_device_only() {
    everyone("a_network_of_none_has_a_loopback_device_only", |world| {
        let mut command =
            world.script("ls /sys/class/net; ip -o link show lo | grep -c LOOPBACK,UP");
        command.network = Network::None;
        assert_eq!(world.run(command).success(), "lo\n1\n");
    });
}

#[test]
fn a_command_runs_as_its_user() {
    for who in [Who::Current, Who::Ranges] {
        as_user("a_command_runs_as_its_user", who, |world| {
            let mut command = world.script(
                "id -u; id -g; id -G; grep CapEff /proc/self/status; echo said > /dev/stdout; \
                 cat /proc/1/maps | wc -c; touch /root/x || touch /tmp/x",
            );
            command.user.uid = 1000;
            command.user.gid = 1001;
            command.user.groups = vec![1001, 27];
            let answer = world.run(command);
            assert_eq!(
                answer.success(),
                "1000\n1001\n1001 27\nCapEff:\t0000000000000000\nsaid\n0\n"
            );
            assert_eq!(answer.changes, ["C tmp", "A tmp/x"]);
        });
    }
}

#[test]
fn another_user_needs_more_than_a_single_id() {
    as_user("another_user_needs_more_than_a_single_id", Who::Single, |world| {
        let mut command = world.script("true");
        command.user.uid = 1000;
        let answer = world.run(command);
        insta::assert_snapshot!(told(&answer), @r"
        error: id 1000 of the command's user cannot be used: only a single user id can
        hint: only one user id is available: install `newuidmap` (package `uidmap`) and give the user a line in /etc/subuid and /etc/subgid
        ");
    });
}

#[test]
fn the_way_it_ends_is_told() {
    everywhere("the_way_it_ends_is_told", |world| {
        let exit = |script: &str| world.run(world.script(script)).exit;
        assert_eq!(exit("exit 3"), Some(Exit::Code(3)));
        assert_eq!(exit("kill -9 $$"), Some(Exit::Signal(9)));
        assert_eq!(exit("kill -TERM $$"), Some(Exit::Signal(15)));
    });
}

#[test]
fn failures_say_what_is_missing() {
    for who in [Who::Current, Who::Chroot] {
        as_user("failures_say_what_is_missing", who, failures_say_what);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as_user hands over the world")]
fn failures_say_what(world: World) {
    let base = world.path("base");
    std::fs::write(base.join("script"), "#!/bin/python9\n").unwrap();
    std::fs::write(base.join("data"), "no program\n").unwrap();
    std::fs::write(base.join("closed"), "").unwrap();
    for name in ["script", "data"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(base.join(name), mode).unwrap();
    }
    let with = |argv: &[&str]| {
        let mut command = world.script("");
        command.argv = argv.iter().map(ToString::to_string).collect();
        told(&world.run(command))
    };
    let programs: [&[&str]; 6] =
        [&["nothing"], &["/bin/bash"], &["/script"], &["/data"], &["/closed"], &[]];
    let mut all: Vec<String> = programs.into_iter().map(with).collect();
    let mut command = world.script("true");
    command.directory = "/nowhere".into();
    all.push(told(&world.run(command)));
    insta::allow_duplicates! {
    insta::assert_snapshot!(all.join("\n"), @r##"
        error: `nothing` is not in the image
        hint: PATH is `/bin`
        error: `/bin/bash` is not in the image
        hint: the image has no `/bin/bash`: use the exec form, RUN ["/program", "argument"], or run it in a stage that has a shell
        error: the interpreter of `/script` is not in the image
        hint: a script's `#!` line (perhaps with a carriage return at its end) or a dynamic program's loader names a file that the image lacks
        error: `/data` cannot be executed: Exec format error (os error 8)
        hint: it is a program for another architecture, or a script without `#!` line
        error: `/closed` cannot be executed: Permission denied (os error 13)
        hint: it lacks the execute permission for this user
        error: the command is empty
        error: the working directory `/nowhere` cannot be entered: No such file or directory (os error 2)
        "##);
    }
}

#[test]
fn an_empty_root_has_the_usual_directories() {
    everywhere("an_empty_root_has_the_usual_directories", |world| {
        let mut command = world.script("");
        let busybox = world.directory("scratch");
        std::fs::copy("/bin/busybox", busybox.join("busybox")).unwrap();
        command.root.lowers = vec![busybox];
        command.argv = ["/busybox", "ls", "/"].map(str::to_owned).to_vec();
        let answer = world.run(command);
        assert_eq!(answer.success(), "busybox\ndev\netc\nproc\nsys\n");
        assert_eq!(answer.changes, [""; 0]);
    });
}

#[test]
fn a_hundred_layers_with_long_names_are_merged() {
    everywhere("a_hundred_layers_with_long_names_are_merged", |world| {
        let mut command = world.script("cat /number; ls / | grep -c only");
        for number in 0..100 {
            let name = format!("layers, with: odd names/{}-{number}", "long".repeat(40));
            let layer = world.directory(&name);
            world.file(&format!("{name}/number"), &format!("{number}\n"));
            world.file(&format!("{name}/only-{number}"), "");
            command.root.lowers.push(layer);
        }
        assert_eq!(world.run(command).success(), "99\n100\n");
    });
}

#[test]
fn commands_run_side_by_side() {
    everyone("commands_run_side_by_side", |world| {
        let commands = (0..8).map(|number| {
            let mut command =
                world.script(&format!("echo {number} > /number; cat /number; echo $$"));
            command.root.upper = world.directory(&format!("upper-{number}"));
            command.root.work = world.directory(&format!("work-{number}"));
            command
        });
        let answers = world.run_all(&commands.collect::<Vec<_>>());
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer.success(), format!("{number}\n2\n"));
            assert_eq!(answer.changes, ["A number"]);
        }
    });
}

#[test]
fn a_view_shows_merged_layers_and_goes_away() {
    everyone("a_view_shows_merged_layers_and_goes_away", |world| {
        let mut root = world.root();
        let above = world.directory("above");
        world.directory("above/new");
        root.lowers.push(above);
        root.work = world.path("at");
        let output = world.ask("view", &root).wait_with_output().unwrap();
        let names = String::from_utf8_lossy(&output.stdout);
        assert_eq!(names.trim(), r#"["bin","etc","new","root","tmp"]"#, "{output:?}");
        assert_eq!(std::fs::read_dir(world.path("at")).unwrap().count(), 0);
    });
}

fn told(answer: &Answer) -> String {
    let error = answer.error.as_deref().unwrap_or("none");
    let hint = answer.hint.as_deref().map_or(String::new(), |hint| format!("\nhint: {hint}"));
    format!("error: {error}{hint}")
}

#[test]
fn the_work_directory_is_left_empty() {
    everywhere("the_work_directory_is_left_empty", |world: World| {
        world.run(world.script("echo x > /x")).success();
        assert_eq!(std::fs::read_dir(world.path("work")).unwrap().count(), 0);
    });
}
