//! A registry in this process that fails on cue.
//!
//! It is the embedded server of `notes-registry` on a free port of this machine, behind a layer that counts requests,
//! asks for tokens, and breaks what a test says.

mod fault;
mod pace;
mod proxy;
mod socket;
mod token;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use notes_oci::{Reference, Registry};
use notes_registry::server::{self, Durability};
use tokio::{net::TcpListener, sync::oneshot};

use self::{
    fault::Planned,
    socket::{BreakableListener, Connection},
    token::Tokens,
};
pub use self::{
    fault::{Fault, Matching, SIGNATURE},
    token::{IDENTITY, TOKEN},
};

/// Who may use a [`TestRegistry`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// Everybody.
    #[default]
    Open,
    /// `user` with `password`, by basic authentication.
    Basic,
    /// `user` with `password`, by tokens for the scopes they ask for.
    Token,
    /// The same, but a token is for the last scope alone, as GitLab's once were (gitlab-ce#40197).
    LastScope,
}

impl Login {
    fn is_by_tokens(self) -> bool {
        matches!(self, Self::Token | Self::LastScope)
    }
}

/// No form is longer.
const FORM_LIMIT: usize = 1 << 16;

/// The one user's name.
pub const USER: &str = "user";
/// The one user's password.
pub const PASSWORD: &str = "correct horse";

/// A request that was answered, or broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query, empty where there is none.
    pub query: String,
    /// The length that the request says its body has.
    pub length: Option<u64>,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
    /// The status; 0 where the connection was broken.
    pub status: u16,
}

impl Answered {
    fn begin(request: &Request) -> Self {
        let text = |name| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            authorization: text(header::AUTHORIZATION),
            status: 0,
        }
    }
}

#[derive(Debug)]
struct Shared {
    login: Login,
    planned: Mutex<Vec<Planned>>,
    answered: Mutex<Vec<Answered>>,
    tokens: Mutex<Tokens>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A registry in this process; it ends when it is dropped, and its files with it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use notes_testkit::registry::{Fault, Matching, TestRegistry};
///
/// let registry = TestRegistry::start().await;
/// registry.plan(Matching::method("PUT").path("/manifests/"), Fault::Status(503));
/// let name = registry.reference("team/app:a3f92bd");
/// assert!(name.to_string().starts_with("127.0.0.1:"));
/// # }
/// ```
#[derive(Debug)]
pub struct TestRegistry {
    registry: Registry,
    shared: Arc<Shared>,
    directory: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

impl TestRegistry {
    /// Starts an open registry.
    pub async fn start() -> Self {
        Self::with_login(Login::Open).await
    }

    /// Starts a registry that asks for a login.
    ///
    /// # Panics
    ///
    /// Where no directory or no port can be had.
    pub async fn with_login(login: Login) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let options = server::Options {
            durability: Durability::Unsynced,
            ..server::Options::new(directory.path())
        };
        let router = server::router(options).expect("an empty directory will do");
        Self::serve(router, login, directory).await
    }

    /// Starts a proxy in front of another registry, which breaks requests as this one would.
    ///
    /// # Panics
    ///
    /// Where no port can be had.
    pub async fn in_front_of(upstream: SocketAddr, login: Login) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        Self::serve(proxy::router(upstream), login, directory).await
    }

    async fn serve(router: Router, login: Login, directory: tempfile::TempDir) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            login,
            planned: Mutex::default(),
            answered: Mutex::default(),
            tokens: Mutex::new(Tokens::new(address, login == Login::LastScope)),
        });
        let tokens = middleware::from_fn_with_state(Arc::clone(&shared), give_tokens);
        let faults = middleware::from_fn_with_state(Arc::clone(&shared), intercept);
        let service =
            router.layer(tokens).layer(faults).into_make_service_with_connect_info::<Connection>();
        let (stop, stopped) = oneshot::channel::<()>();
        let serve =
            axum::serve(BreakableListener(listener), service).with_graceful_shutdown(async move {
                // Sent or dropped: both mean the end.
                let _ = stopped.await;
            });
        tokio::spawn(serve.into_future());
        let registry = address.to_string().parse().expect("an address is a registry");
        Self { registry, shared, directory, _stop: stop }
    }

    /// Returns its name: `127.0.0.1:` and the port.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the reference of `rest`, such as `team/app:tag`, in it.
    ///
    /// # Panics
    ///
    /// Where `rest` is malformed.
    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.registry).parse().expect("a test names images well")
    }

    /// Returns the directory it keeps everything in; one in front of another registry keeps nothing.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Breaks the next request that matches, once. Plans that match the same request are used in the order made.
    pub fn plan(&self, matching: Matching, fault: Fault) {
        locked(&self.shared.planned).push(Planned { matching, fault });
    }

    /// Forgets the plans that no request has matched yet.
    pub fn forget_plans(&self) {
        locked(&self.shared.planned).clear();
    }

    /// Returns how many plans no request has matched yet; a test that planned a fault checks that it came.
    pub fn pending(&self) -> usize {
        locked(&self.shared.planned).len()
    }

    /// Returns the requests so far, in the order of their answers.
    pub fn requests(&self) -> Vec<Answered> {
        locked(&self.shared.answered).clone()
    }

    /// Returns the requests so far as lines `METHOD path`, and forgets them.
    pub fn take_lines(&self) -> Vec<String> {
        let taken = std::mem::take(&mut *locked(&self.shared.answered));
        taken.into_iter().map(|it| format!("{} {} {}", it.method, it.path, it.status)).collect()
    }
}

async fn intercept(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let head = Answered::begin(&request);
    // What is refused anyway is not the request that a test means.
    let is_admitted = admitted(&shared, &request).is_ok();
    let fault = if is_admitted { take_fault(&shared, &head) } else { None };
    if matches!(fault, Some(Fault::ExpireTokens)) {
        locked(&shared.tokens).expire();
    }
    let mut response = match admitted(&shared, &request) {
        Err(refusal) => refusal,
        Ok(()) => match fault {
            Some(fault) => fault::answer(fault, request, next, &connection).await,
            None => next.run(request).await,
        },
    };
    let status = if connection.is_broken() { 0 } else { response.status().as_u16() };
    if head.method == Method::HEAD.as_str() {
        *response.body_mut() = Body::empty();
    }
    locked(&shared.answered).push(Answered { status, ..head });
    response
}

fn take_fault(shared: &Shared, head: &Answered) -> Option<Fault> {
    let mut planned = locked(&shared.planned);
    let index = planned.iter().position(|it| it.matching.matches(head))?;
    Some(planned.remove(index).fault)
}

/// Answers as the token server, behind the faults.
async fn give_tokens(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !shared.login.is_by_tokens() || request.uri().path() != token::PATH {
        return next.run(request).await;
    }
    if request.method() != Method::POST {
        return locked(&shared.tokens).grant(&request);
    }
    let form = axum::body::to_bytes(request.into_body(), FORM_LIMIT).await.unwrap_or_default();
    locked(&shared.tokens).exchange(&String::from_utf8_lossy(&form))
}

/// Lets a request through, or challenges it.
#[expect(clippy::result_large_err, reason = "a response is what the caller answers with")]
fn admitted(shared: &Shared, request: &Request) -> Result<(), Response> {
    match shared.login {
        Login::Open => Ok(()),
        Login::Basic if token::is_user(request.headers()) => Ok(()),
        Login::Basic => {
            Err((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"test\"")])
                .into_response())
        }
        Login::Token | Login::LastScope if request.uri().path() == token::PATH => Ok(()),
        Login::Token | Login::LastScope => locked(&shared.tokens).check(request),
    }
}
