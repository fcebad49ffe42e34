//! `prune` beside pushes: no name leads to half an image, at whatever age things are removed.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use notes_oci::{ImageSink as _, ImageSource as _};
use notes_registry::server::{PruneOptions, prune};

use crate::{
    images::{image, platform, read_layers, remote},
    running::Running,
};

/// Pushes images while everything older than `age` is removed, again and again; returns how many pushes went through.
async fn pushed(age: Duration) -> usize {
    let running = Running::start().await;
    let (root, pushing) = (running.directory.path(), AtomicBool::new(true));
    let address = running.server.local_addr();
    let mut succeeded = 0;
    std::thread::scope(|scope| {
        let pruning = scope.spawn(|| {
            while pushing.load(Ordering::Relaxed) {
                prune(root, &PruneOptions { older_than: age }).unwrap();
            }
        });
        let pushes = async {
            for round in 0..20 {
                let name = format!("{address}/app:{round}").parse().unwrap();
                // The layers of the rounds are the same or not, so that some are found and not sent.
                let pushed = remote().write(&image(round / 3, &[60_000, 7, 0]), &name).await;
                let found = remote().image(&name, &platform()).await;
                match found {
                    Ok(found) => assert_eq!(read_layers(&found).await.unwrap(), [60_000, 7, 0]),
                    Err(error) => assert!(error.is_not_found() && pushed.is_err(), "{error}"),
                }
                succeeded += usize::from(pushed.is_ok());
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(pushes));
        pushing.store(false, Ordering::Relaxed);
        pruning.join().unwrap();
    });
    succeeded
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_young_is_not_taken_from_a_push() {
    assert_eq!(pushed(Duration::from_mins(10)).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn even_without_an_age_no_name_leads_to_half_an_image() {
    // How many pushes lose the race is chance; what they leave is not.
    pushed(Duration::ZERO).await;
}
