//! A Service of the cluster on a port of this machine.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::{
    api::core::v1::{Container, Pod, Service, ServicePort},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::{Api, ResourceExt, api::ListParams};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{Cluster, RequestError};

/// How long a pod that was found is taken again without asking.
const REMEMBERED: Duration = Duration::from_secs(5);
/// How long an answer may take to arrive after the client has sent everything.
const DRAIN: Duration = Duration::from_mins(1);
/// How many bytes are passed on at once.
const PIECE: usize = 16 << 10;

/// The error returned when a Service cannot be forwarded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The local port is taken or not allowed.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The Service has no such port.
    #[error("the service `{service}` has no port `{port}`")]
    NoPort {
        /// The Service.
        service: String,
        /// The port wanted.
        port: String,
        /// The ports there are.
        known: Vec<String>,
    },
    /// The Service selects no pods, or names another host.
    #[error("the service `{service}` selects no pods")]
    NoSelector {
        /// The Service.
        service: String,
    },
    /// No pod of the Service is ready.
    #[error("no pod of the service `{service}` is ready")]
    NotReady {
        /// The Service.
        service: String,
        /// How many pods there are.
        pods: usize,
    },
    /// No container has a port of the Service's name.
    #[error("no container of pod `{pod}` has a port called `{port}`")]
    NoContainerPort {
        /// The pod.
        pod: String,
        /// The name.
        port: String,
    },
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Error {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("choose another port with `--local-port`; 0 takes a free one".into())
            }
            Self::NoPort { known, .. } => Some(format!("it has {}", known.join(", "))),
            Self::NotReady { .. } => Some("`notes-deploy status` shows why".into()),
            Self::Request(error) => error.hint(),
            _ => None,
        }
    }
}

/// What is to be forwarded.
#[derive(Clone, Debug)]
pub struct Target {
    /// The namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// The Service's port by number or name; without it, its first.
    pub port: Option<String>,
}

/// Hears what happens to connections.
pub trait Reporter: Send + Sync {
    /// A connection goes to this pod.
    fn connected(&self, _pod: &str) {}

    /// A connection could not be made or broke. The others go on.
    fn failed(&self, _reason: &str) {}
}

/// A port of this machine that leads to a Service.
///
/// It is bound to 127.0.0.1 alone. Each TCP connection gets a stream of its own, to a pod that is ready then, so that a
/// pod that ends costs its connections and not the listener, as it does with kubectl (kubernetes#111825).
pub struct Forward {
    listener: TcpListener,
    address: SocketAddr,
    route: Arc<Route>,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Forward {
    /// Listens on `local_port` of 127.0.0.1; 0 takes a free one. The Service must have a pod that is ready.
    pub async fn bind(cluster: Cluster, target: Target, local_port: u16) -> Result<Self, Error> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, local_port));
        let listen = |source| Error::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let route = Arc::new(Route { cluster, target, known: Mutex::default() });
        route.endpoint(Freshness::Remembered).await?;
        Ok(Self { listener, address, route })
    }

    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves connections until it is dropped.
    pub async fn run(self, reporter: Arc<dyn Reporter>) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((client, _)) => {
                        let (route, reporter) = (Arc::clone(&self.route), Arc::clone(&reporter));
                        connections.spawn(async move { serve(&route, client, &*reporter).await });
                    }
                    // Out of file descriptors, or the client has gone already: neither ends the listener.
                    Err(error) => reporter.failed(&error.to_string()),
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    }
}

async fn serve(route: &Route, client: TcpStream, reporter: &dyn Reporter) {
    // The pod that is remembered may have gone; a second try asks again.
    let opened = match route.open(Freshness::Remembered).await {
        Ok(opened) => Ok(opened),
        Err(_) => route.open(Freshness::Asked).await,
    };
    match opened {
        Ok((pod, stream)) => {
            reporter.connected(&pod);
            // Without it, small answers wait for the client's delayed acknowledgements.
            let _ = client.set_nodelay(true);
            if let Err(error) = exchange(client, stream).await {
                reporter.failed(&format!("pod/{pod}: {error}"));
            }
        }
        Err(error) => reporter.failed(&error.to_string()),
    }
}

/// Copies both ways until the pod has sent everything, or the client has gone: that is its good right, and no failure.
///
/// A client that has sent everything may still read, and the protocol cannot half-close: its end is not passed on.
async fn exchange(
    client: TcpStream,
    pod: impl AsyncRead + AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_pod, mut to_pod) = tokio::io::split(pod);
    let answers = async {
        let mut piece = vec![0; PIECE];
        loop {
            let length = from_pod.read(&mut piece).await?;
            if length == 0 || to_client.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
        Ok(())
    };
    tokio::pin!(answers);
    let requests = async {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from_client.read(&mut piece).await {
            to_pod.write_all(&piece[..length]).await?;
            to_pod.flush().await?;
        }
        Ok(())
    };
    tokio::select! {
        result = &mut answers => result,
        sent = requests => match sent {
            Ok(()) => timeout(DRAIN, answers).await.unwrap_or(Ok(())),
            failed => failed,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Remembered,
    Asked,
}

#[derive(Clone)]
struct Endpoint {
    pod: String,
    port: u16,
}

struct Route {
    cluster: Cluster,
    target: Target,
    known: Mutex<Option<(Instant, Endpoint)>>,
}

impl Route {
    async fn open(
        &self,
        freshness: Freshness,
    ) -> Result<(String, impl AsyncRead + AsyncWrite + Unpin + use<>), Error> {
        let Endpoint { pod, port } = self.endpoint(freshness).await?;
        let attempt = || format!("forward a connection to pod/{pod}");
        let api: Api<Pod> = self.api();
        let mut forwarder = api
            .portforward(&pod, &[port])
            .await
            .map_err(|error| self.cluster.error(attempt(), error))?;
        let stream = forwarder.take_stream(port).expect("the stream of a port is taken once");
        // The forwarder moves the bytes in a task of its own, which ends with the stream.
        tokio::spawn(forwarder.join());
        Ok((pod, stream))
    }

    async fn endpoint(&self, freshness: Freshness) -> Result<Endpoint, Error> {
        let mut known = self.known.lock().await;
        if let Some((found, endpoint)) = &*known
            && freshness == Freshness::Remembered
            && found.elapsed() < REMEMBERED
        {
            return Ok(endpoint.clone());
        }
        let endpoint = self.find().await?;
        *known = Some((Instant::now(), endpoint.clone()));
        Ok(endpoint)
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client().clone(), &self.target.namespace)
    }

    /// Finds a pod of the Service that is ready, and the port in it.
    async fn find(&self) -> Result<Endpoint, Error> {
        let name = &self.target.service;
        let service: Service = self
            .api()
            .get(name)
            .await
            .map_err(|error| self.cluster.error(format!("read service/{name}"), error))?;
        let spec = service.spec.unwrap_or_default();
        let port = self.service_port(spec.ports.as_deref().unwrap_or_default())?;
        let selector = spec.selector.filter(|selector| !selector.is_empty());
        let selector = selector.ok_or_else(|| Error::NoSelector { service: name.clone() })?;
        let selector: Vec<_> =
            selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pods: Vec<Pod> = self
            .api()
            .list(&ListParams::default().labels(&selector.join(",")))
            .await
            .map_err(|error| self.cluster.error(format!("list the pods of service/{name}"), error))?
            .items;
        let count = pods.len();
        let pod = pods
            .into_iter()
            .filter(is_ready)
            .min_by_key(|pod| (restarts(pod), ready_since(pod)))
            .ok_or_else(|| Error::NotReady { service: name.clone(), pods: count })?;
        let port = container_port(&pod, port, spec.cluster_ip.as_deref() == Some("None"))?;
        Ok(Endpoint { pod: pod.name_any(), port })
    }

    fn service_port<'a>(&self, ports: &'a [ServicePort]) -> Result<&'a ServicePort, Error> {
        let is_wanted = |port: &&ServicePort| match &self.target.port {
            None => true,
            Some(wanted) => port.name.as_ref() == Some(wanted) || port.port.to_string() == *wanted,
        };
        let is_tcp = |port: &&ServicePort| port.protocol.as_deref().is_none_or(|p| p == "TCP");
        ports.iter().filter(is_tcp).find(is_wanted).ok_or_else(|| Error::NoPort {
            service: self.target.service.clone(),
            port: self.target.port.clone().unwrap_or_else(|| "tcp".into()),
            known: ports
                .iter()
                .map(|port| match &port.name {
                    Some(name) => format!("{} ({name})", port.port),
                    None => port.port.to_string(),
                })
                .collect(),
        })
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

fn ready_since(pod: &Pod) -> Option<jiff::Timestamp> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
    statuses.into_iter().flatten().map(|status| status.restart_count).sum()
}

/// Returns the port in the pod that a Service's port means.
fn container_port(pod: &Pod, port: &ServicePort, is_headless: bool) -> Result<u16, Error> {
    let number = |number: i32| u16::try_from(number).unwrap_or_default();
    match &port.target_port {
        Some(IntOrString::String(name)) => {
            let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
            let ports =
                containers.into_iter().flatten().flat_map(|c: &Container| c.ports.iter().flatten());
            let mut named = ports.filter(|port| port.name.as_ref() == Some(name));
            named
                .next()
                .map(|port| number(port.container_port))
                .ok_or_else(|| Error::NoContainerPort { pod: pod.name_any(), port: name.clone() })
        }
        Some(IntOrString::Int(target)) if *target != 0 && !is_headless => Ok(number(*target)),
        _ => Ok(number(port.port)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// Returns a client, what serves it, and the pod's end of the exchange.
    async fn connected()
    -> (TcpStream, impl Future<Output = std::io::Result<()>> + Send, DuplexStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (served, _) = listener.accept().await.unwrap();
        let (near, far) = duplex(PIECE);
        (client, exchange(served, near), far)
    }

    #[tokio::test]
    async fn both_ways_are_passed_on_to_their_ends() {
        let (mut client, exchange, mut pod) = connected().await;
        let exchange = tokio::spawn(exchange);
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = [0; 8];
        pod.read_exact(&mut question).await.unwrap();
        pod.write_all(b"answer").await.unwrap();
        drop(pod);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!((&question, answer.as_str()), (b"question", "answer"));
        exchange.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_is_no_failure() {
        let (mut client, exchange, mut pod) = connected().await;
        let exchange = tokio::spawn(exchange);
        // The pod answers without end, and the client goes with an answer unread: the kernel says so by a reset.
        let answers =
            tokio::spawn(async move { while pod.write_all(&[1; PIECE]).await.is_ok() {} });
        client.read_exact(&mut [0; 10]).await.unwrap();
        drop(client);
        exchange.await.unwrap().unwrap();
        answers.await.unwrap();
    }
}
