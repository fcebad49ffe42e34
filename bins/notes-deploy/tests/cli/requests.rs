//! What a deploy asks of the API server, counted on the way there, and how it goes on when that way is cut.

use std::{fs, io::Write as _, time::Duration};

use notes_k8s_deploy::record::KEPT;

use crate::{
    ground::Ground,
    proxy::{Proxy, is_watch},
    web::Web,
    world::{Ended, Place},
};

/// How many objects there are in [`release`].
const OBJECTS: usize = 4;

/// A Deployment, a Service and two `ConfigMaps`.
fn release(round: usize, seconds: usize) -> String {
    let config_map = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{round: \"{round}\"}}\n"
        )
    };
    let service = "---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";
    let web = Web { replicas: 2, seconds, round, ..Web::default() };
    format!("{web}{service}{}{}", config_map("one"), config_map("other"))
}

/// A place whose `notes-deploy` goes by a proxy.
struct Watched {
    ground: Ground,
    place: Place,
    proxy: Proxy,
}

impl Watched {
    async fn prepare(test: &str) -> Option<Self> {
        let ground = Ground::prepare(test).await?;
        let mut place = Place::find(test).await.unwrap();
        let proxy = Proxy::start(place.client()).await.unwrap();
        place.replace_kubeconfig(&proxy.kubeconfig());
        Some(Self { ground, place, proxy })
    }

    fn begin(&self, manifests: &str) -> std::process::Child {
        fs::write(self.place.directory.path().join("k8s.yaml"), manifests).unwrap();
        let image = self.ground.image.to_string();
        self.place.command(&["-f", "k8s.yaml", "--image", &image]).spawn().unwrap()
    }

    async fn deploy(&self, manifests: &str) -> (Ended, Vec<String>) {
        let child = self.begin(manifests);
        let ended = tokio::task::spawn_blocking(|| Ended::of(child)).await.unwrap();
        assert_eq!(ended.code, Some(0), "{ended}");
        (ended, self.proxy.take())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_asks_no_more_than_it_must() {
    let test = "a_deploy_asks_no_more_than_it_must";
    let Some(ground) = Watched::prepare(test).await else { return };
    // The lock is renewed every ten seconds, which a deploy of two pods does not take.
    let renewals = |requests: &[String]| {
        requests
            .iter()
            .filter(|request| request.starts_with("PATCH") && request.contains(".lock?"))
            .count()
    };
    for round in 0..3 {
        let (ended, requests) = ground.deploy(&release(round, 0)).await;
        let count = requests.len() - renewals(&requests);
        let watches = requests.iter().filter(|request| is_watch(request)).count();
        let context = format!("round {round}: {count} {requests:#?}\n{ended}");
        assert!(watches <= 4, "{watches} watches, {context}");
        // The first makes the namespace, for which the lock has to wait.
        let allowed = OBJECTS + if round == 0 { 12 } else { 9 };
        assert!(count <= allowed, "{context}");
        let (ended, requests) = ground.deploy(&release(round, 0)).await;
        assert!(requests.len() <= OBJECTS + 4, "unchanged: {requests:#?}\n{ended}");
        let (changed, unchanged) = (count - OBJECTS, requests.len() - OBJECTS);
        let counts =
            format!("changed: N + {changed}, {watches} watches; unchanged: N + {unchanged}");
        let _ = writeln!(std::io::stdout(), "{counts}");
        if round == 0 {
            // With this one as many as are kept: each that follows drops the oldest as well.
            let manifests = release(0, 0).replace("image: web", "image: user/app");
            for number in 1..KEPT {
                ground.place.record(&format!("abcdef{number}000"), &manifests).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_followed_across_cuts() {
    let test = "a_rollout_is_followed_across_cuts";
    let Some(ground) = Watched::prepare(test).await else { return };
    let child = ground.begin(&release(1, 6));
    let deploying = tokio::task::spawn_blocking(|| Ended::of(child));
    for statuses in [&[][..], &[410, 410, 410, 410], &[503]] {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        ground.proxy.refuse_watches(statuses);
        ground.proxy.cut();
    }
    let ended = deploying.await.unwrap();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains("the connection to the API server was lost"), "{ended}");
    let watches = ground.proxy.take().iter().filter(|request| is_watch(request)).count();
    assert!(watches > 8, "{watches} watches: they were begun again\n{ended}");
}
