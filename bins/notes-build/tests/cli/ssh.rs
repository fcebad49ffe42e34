//! SSH agents: a command that asks for one has its socket.

use std::{fs, os::unix::net::UnixListener};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_sees_the_socket_of_the_agent() {
    let test = "a_command_sees_the_socket_of_the_agent";
    let Some(mut world) = World::with_base(test).await else { return };
    world.commit(
        "FROM busybox:1\n\
         RUN --mount=type=ssh,required test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK > /seen\n",
    );
    let required = world.fail(&[]);
    insta::assert_snapshot!(required, @r"
    error: the SSH agent `default` is required and was not given
     --> Dockerfile:2:1
      |
    2 | RUN --mount=type=ssh,required test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK > /seen
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    hint: give it with `--ssh default=SOCKET`
    exit code 3
    ");
    let absent = world.fail(&["--ssh", "default"]);
    insta::assert_snapshot!(absent, @r"
    error: `--ssh` is to use the agent of this session, and `SSH_AUTH_SOCK` is not set
    hint: keys are used through an agent: `eval $(ssh-agent)`, `ssh-add KEY`, then `--ssh default`
    exit code 3
    ");
    let no_socket = world.fail(&["--ssh", "default=Dockerfile"]);
    insta::assert_snapshot!(no_socket, @r"
    error: `REPOSITORY/Dockerfile` is not the socket of an agent
    hint: keys are used through an agent: `eval $(ssh-agent)`, `ssh-add KEY`, then `--ssh default`
    exit code 3
    ");

    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("agent");
    let _agent = UnixListener::bind(&socket).unwrap();
    let given = format!("default={}", socket.display());
    let twice = world.fail(&["--ssh", &given, "--ssh", &given]);
    insta::assert_snapshot!(twice, @r"
    error: the agent `default` is given twice
    exit code 2
    ");

    world.set("SSH_AUTH_SOCK", socket.to_str().unwrap());
    for (number, agent) in ["default", given.as_str()].into_iter().enumerate() {
        let out = directory.path().join(number.to_string());
        let output = format!("type=local,dest={}", out.display());
        let _ = world.run(&["--no-cache", "--ssh", agent, "-o", &output]).digest();
        let seen = fs::read_to_string(out.join("seen")).unwrap();
        assert_eq!(seen, "/run/buildkit/ssh_agent.0\n", "{agent}");
    }
}
