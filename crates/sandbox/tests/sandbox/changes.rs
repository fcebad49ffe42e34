//! What a command changed.

use std::collections::BTreeMap;

use notes_sandbox::changes::changes;

use crate::world::{everyone, everywhere};

#[test]
fn every_kind_of_change_is_found() {
    everyone("every_kind_of_change_is_found", |world| {
        let answer = world.run(world.script(
            "set -e; echo new > /new; echo more >> /etc/passwd; rm -r /root/old; mkdir /root/old; \
             echo young > /root/old/file; mkdir -p /a/b; ln /new /a/hard; ln -s nowhere /a/b/soft; \
             rm /bin/wc; touch /gone; rm /gone; touch /a.b",
        ));
        answer.success();
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.changes.join("\n"), @r"
            A a
            A a/b
            A a/b/soft
            A a/hard
            A a.b
            C bin
            D bin/wc
            C etc
            C etc/passwd
            A new
            C root
            R root/old
            A root/old/file
            ");
        }
        let root = world.root();
        let changes = changes(&root.upper, &root.lowers).unwrap();
        let links: BTreeMap<_, _> = changes
            .iter()
            .filter_map(|change| Some((change.path.to_str()?, change.link.as_ref()?.to_str()?)))
            .collect();
        assert_eq!(links, BTreeMap::from([("new", "a/hard")]));
    });
}

#[test]
fn a_second_command_goes_on_where_the_first_stopped() {
    everywhere("a_second_command_goes_on_where_the_first_stopped", |world| {
        world.run(world.script("echo one > /number; rm /etc/passwd")).success();
        let answer = world.run(world.script("cat /number; echo two > /number; ls /etc"));
        assert_eq!(answer.success(), "one\nhosts\nresolv.conf\n");
        assert_eq!(answer.changes, ["C etc", "D etc/passwd", "A number"]);
    });
}
