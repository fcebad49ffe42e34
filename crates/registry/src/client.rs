//! The client every request goes through: it answers challenges, refreshes tokens once, and turns answers into errors.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use notes_oci::{Origin, Registry};
use reqwest::{
    Request, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    authorization::{self, Access, Authorization, Authorizations, Challenge, Grant, Scope},
    credentials::{Credential, Keychain},
    locked::locked,
    progress::Reporter,
    rate_limit::RateLimit,
    refusal,
    request::{self, RequestError},
    retry::Retry,
    stall::{self, Pulse},
    transport,
};

/// No token is longer.
const TOKEN_LIMIT: usize = 1 << 20;

/// What a response must tell of the request it answers.
#[derive(Clone)]
struct Asked {
    /// The request as errors name it; redirects do not change it.
    request: String,
    /// How long the next byte may take.
    patience: Duration,
}

/// Returns the request that `response` answers.
pub(crate) fn described(response: &Response) -> String {
    response
        .extensions()
        .get::<Asked>()
        .map_or_else(|| request::describe("GET", response.url()), |asked| asked.request.clone())
}

/// Requests to any registry.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) http: transport::Clients,
    pub(crate) keychain: Keychain,
    pub(crate) plain_http: Vec<Registry>,
    pub(crate) retry: Retry,
    pub(crate) reporter: std::sync::Arc<dyn Reporter>,
    /// No byte for so long is a stall.
    pub(crate) patience: Duration,
    pub(crate) authorizations: Authorizations,
    /// Warnings that were given, each once.
    pub(crate) warned: Mutex<HashSet<String>>,
}

impl Client {
    /// Returns the address of something in a repository, such as `manifests/latest`.
    pub(crate) fn address(&self, place: &Origin, rest: &str) -> Url {
        self.base(&place.registry)
            .join(&format!("{}/{rest}", place.repository))
            .expect("checked names make an address")
    }

    pub(crate) fn base(&self, registry: &Registry) -> Url {
        transport::base(registry, &self.plain_http)
    }

    /// Sends what `build` makes, again after a transient failure, and returns the answer if its status is a success or
    /// among `accepted`.
    pub(crate) async fn send(
        &self,
        registry: &Registry,
        scope: &Scope,
        accepted: &[StatusCode],
        build: impl Fn(&reqwest::Client) -> RequestBuilder + Sync,
    ) -> Result<Response, RequestError> {
        self.patiently(|| self.send_checked(registry, scope, accepted, &build)).await
    }

    /// The same for an answer that is read to its end, which has at most `limit` bytes: one that breaks off is asked for
    /// again.
    pub(crate) async fn fetch(
        &self,
        registry: &Registry,
        scope: &Scope,
        limit: usize,
        build: impl Fn(&reqwest::Client) -> RequestBuilder + Sync,
    ) -> Result<(Response, bytes::Bytes), RequestError> {
        self.patiently(|| async {
            let mut response = self.send_checked(registry, scope, &[], &build).await?;
            let bytes = body(&mut response, limit).await?;
            Ok((response, bytes))
        })
        .await
    }

    /// Carries out `attempt`, again after a failure that may pass.
    pub(crate) async fn patiently<T, F>(
        &self,
        attempt: impl Fn() -> F + Sync,
    ) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, RequestError>>,
    {
        let mut attempts = self.retry.begin(self.reporter.as_ref());
        loop {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => attempts.wait(error).await?,
            }
        }
    }

    async fn send_checked(
        &self,
        registry: &Registry,
        scope: &Scope,
        accepted: &[StatusCode],
        build: impl Fn(&reqwest::Client) -> RequestBuilder + Sync,
    ) -> Result<Response, RequestError> {
        let response = self.send_authorized(registry, scope, build).await?;
        self.check(registry, accepted, response).await
    }

    /// Sends once. A challenge is answered, and a header that is refused replaced once: by a token without the sources of mounts
    /// where one with them is not enough, since there are token servers that heed the last scope alone (gitlab-ce#40197).
    pub(crate) async fn send_authorized(
        &self,
        registry: &Registry,
        scope: &Scope,
        build: impl Fn(&reqwest::Client) -> RequestBuilder + Sync,
    ) -> Result<Response, RequestError> {
        let mut known = self.authorizations.find(registry, scope);
        let mut replaced = false;
        loop {
            let response = self.execute(registry, build(self.http.any()), known.as_ref()).await?;
            if response.status() != StatusCode::UNAUTHORIZED || replaced {
                return Ok(response);
            }
            let Some(challenge) = Challenge::read(response.headers()) else { return Ok(response) };
            replaced = known.is_some();
            let fresh = self.authorize(registry, scope, &challenge, known.as_ref()).await?;
            let Some(fresh) = fresh else { return Ok(response) };
            known = Some(fresh);
        }
    }

    /// Sends as it is. Only the registry itself sees the authorization, not where its answers lead.
    pub(crate) async fn execute(
        &self,
        registry: &Registry,
        builder: RequestBuilder,
        authorization: Option<&Authorization>,
    ) -> Result<Response, RequestError> {
        self.execute_watched(registry, builder, authorization, &Pulse::unfelt()).await
    }

    /// Sends a request whose body is seen on its way by `pulse`.
    pub(crate) async fn execute_watched(
        &self,
        registry: &Registry,
        builder: RequestBuilder,
        authorization: Option<&Authorization>,
        pulse: &Pulse,
    ) -> Result<Response, RequestError> {
        let mut request =
            builder.build().map_err(|error| RequestError::no_answer("a request".into(), error))?;
        if let Some(authorization) = authorization
            && request.url().origin() == self.base(registry).origin()
        {
            request.headers_mut().insert(AUTHORIZATION, authorization.header());
        }
        self.exchange(registry, request, pulse).await
    }

    async fn exchange(
        &self,
        registry: &Registry,
        request: Request,
        pulse: &Pulse,
    ) -> Result<Response, RequestError> {
        let described = request::describe(request.method().as_str(), request.url());
        let begin = Instant::now();
        let mut response = pulse
            .watch(self.patience, self.http.of(request.url()).execute(request))
            .await
            .map_err(|stalled| RequestError::stalled(described.clone(), stalled))?
            .map_err(|error| RequestError::no_answer(described.clone(), error))?;
        let status = response.status().as_u16();
        tracing::debug!(request = described, status, elapsed = ?begin.elapsed(), "answered");
        self.hear_warnings(registry, response.headers());
        let asked = Asked { request: described, patience: self.patience };
        response.extensions_mut().insert(asked);
        Ok(response)
    }

    /// Returns the answer, or the error that its status means.
    pub(crate) async fn check(
        &self,
        registry: &Registry,
        accepted: &[StatusCode],
        response: Response,
    ) -> Result<Response, RequestError> {
        let status = response.status();
        if status.is_success() || accepted.contains(&status) {
            return Ok(response);
        }
        let request = described(&response);
        let mut refusal =
            refusal::read(registry, response, &self.authorizations.secrets(registry)).await;
        (refusal.credential, refusal.searched) = self.authorizations.provenance(registry);
        Err(RequestError::Refused { request, refusal: Box::new(refusal) })
    }

    /// Returns the header that answers `challenge`, `None` where there is nothing to answer it with.
    ///
    /// `stale` is the header that was refused: another request may have replaced it meanwhile.
    async fn authorize(
        &self,
        registry: &Registry,
        scope: &Scope,
        challenge: &Challenge,
        stale: Option<&Authorization>,
    ) -> Result<Option<Authorization>, RequestError> {
        let _one_at_a_time = self.authorizations.fetching.lock().await;
        if let Some(known) = self.authorizations.find(registry, scope)
            && Some(&known) != stale
        {
            return Ok(Some(known));
        }
        let credential = self.credential(registry, scope).await?;
        if credential.is_none() && scope.access == Access::Push && !registry.is_loopback() {
            let (_, searched) = self.authorizations.provenance(registry);
            return Err(RequestError::NoCredential { registry: registry.clone(), searched });
        }
        let fresh = match (challenge, &credential) {
            (Challenge::Basic, None) => None,
            (Challenge::Basic, Some(credential))
            | (_, Some(credential @ Credential::Bearer { .. })) => Authorization::basic(credential),
            (Challenge::Bearer { realm, service, is_too_narrow }, credential) => {
                let (service, credential) = (service.as_deref(), credential.as_ref());
                let with_sources = !is_too_narrow;
                Some(self.token(registry, scope, realm, service, credential, with_sources).await?)
            }
        };
        // The same header again would be refused again.
        let fresh = fresh.filter(|fresh| Some(fresh) != stale);
        if let Some(fresh) = &fresh {
            self.authorizations.remember(registry, scope, fresh.clone());
        }
        Ok(fresh)
    }

    async fn credential(
        &self,
        registry: &Registry,
        scope: &Scope,
    ) -> Result<Option<Credential>, RequestError> {
        let lookup =
            self.keychain.find(registry, Some(&scope.repository)).await.map_err(|source| {
                RequestError::Credential { registry: registry.clone(), source }
            })?;
        lookup.warnings.iter().for_each(|warning| self.warn_once(warning));
        let credential = lookup.found.as_ref().map(|found| found.credential.clone());
        self.authorizations.remember_lookup(registry, lookup);
        Ok(credential)
    }

    /// Fetches a token. A server that refuses the scopes of mounts is asked again without these sources.
    async fn token(
        &self,
        registry: &Registry,
        scope: &Scope,
        realm: &str,
        service: Option<&str>,
        credential: Option<&Credential>,
        with_sources: bool,
    ) -> Result<Authorization, RequestError> {
        let base = self.base(registry);
        let realm = base.join(realm).ok().filter(|realm| transport::is_safe(&base, realm));
        let Some(realm) = realm else {
            let problem = "it names a token server that is not as safe as the registry";
            return Err(RequestError::answer(request::describe("GET", &base), problem));
        };
        if with_sources {
            match self.fetch_token(registry, scope, &realm, service, credential).await {
                Err(error) if error.is_denied() && !scope.sources.is_empty() => {}
                other => return other,
            }
        }
        let own = scope.without_sources();
        let token = self.fetch_token(registry, &own, &realm, service, credential).await?;
        Ok(token.without_sources())
    }

    async fn fetch_token(
        &self,
        registry: &Registry,
        scope: &Scope,
        realm: &Url,
        service: Option<&str>,
        credential: Option<&Credential>,
    ) -> Result<Authorization, RequestError> {
        self.patiently(|| {
            let builder = token_request(self.http.any(), scope, realm, service, credential);
            self.grant(registry, realm, builder)
        })
        .await
    }

    async fn grant(
        &self,
        registry: &Registry,
        realm: &Url,
        builder: RequestBuilder,
    ) -> Result<Authorization, RequestError> {
        let asked = Instant::now();
        let request = request::describe("GET", realm);
        let built = builder.build();
        let built = built.map_err(|error| RequestError::no_answer(request.clone(), error))?;
        let response = self.exchange(registry, built, &Pulse::unfelt()).await?;
        let mut response = self.check(registry, &[], response).await?;
        let body = body(&mut response, TOKEN_LIMIT).await?;
        serde_json::from_slice::<Grant>(&body)
            .ok()
            .and_then(|grant| grant.authorization(asked))
            .ok_or_else(|| RequestError::answer(request, "it holds no token"))
    }

    /// Passes on what a registry wants people to read (RFC 7234, `Warning: 299`), and a rate limit that draws near.
    fn hear_warnings(&self, registry: &Registry, headers: &HeaderMap) {
        for value in headers.get_all("warning").iter().filter_map(|value| value.to_str().ok()) {
            if let Some(text) = value.strip_prefix("299 - ") {
                self.warn_once(&format!("`{registry}` says: {}", text.trim_matches('"')));
            }
        }
        if let Some(limit) = RateLimit::read(headers).filter(RateLimit::draws_near) {
            let left = limit.remaining.unwrap_or_default();
            self.warn_once(&format!("`{registry}` allows {left} more of {limit}"));
        }
    }

    pub(crate) fn warn_once(&self, text: &str) {
        let is_new = locked(&self.warned).insert(text.to_owned());
        if is_new {
            self.reporter.warning(text);
        }
    }
}

fn token_request(
    http: &reqwest::Client,
    scope: &Scope,
    realm: &Url,
    service: Option<&str>,
    credential: Option<&Credential>,
) -> RequestBuilder {
    if let Some(Credential::Identity { token }) = credential {
        let form = authorization::exchange(token, service, Some(scope));
        return http
            .post(realm.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.expose_secret().to_owned());
    }
    let mut address = realm.clone();
    authorization::query(&mut address, service, Some(scope));
    let builder = http.get(address);
    match credential.and_then(Authorization::basic) {
        Some(authorization) => builder.header(AUTHORIZATION, authorization.header()),
        None => builder,
    }
}

/// Returns the next piece of the content, `None` at its end. One that does not come in time is a stall.
pub(crate) async fn chunk(response: &mut Response) -> Result<Option<bytes::Bytes>, RequestError> {
    let request = described(response);
    let asked = response.extensions().get::<Asked>();
    let patience = asked.map_or(transport::PATIENCE, |asked| asked.patience);
    stall::within(patience, response.chunk())
        .await
        .map_err(|stalled| RequestError::stalled(request.clone(), stalled))?
        .map_err(|error| RequestError::no_answer(request, error))
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn body(
    response: &mut Response,
    limit: usize,
) -> Result<bytes::Bytes, RequestError> {
    let mut body = bytes::BytesMut::new();
    while let Some(chunk) = chunk(response).await? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            let problem = format!("it has more than {limit} bytes");
            return Err(RequestError::answer(described(response), problem));
        }
    }
    Ok(body.freeze())
}
