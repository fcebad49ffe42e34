//! The port for HTTP, as gix asks for it.

use std::{
    any::Any,
    io::{self, BufReader, Cursor, Read, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};

use super::{AGENT, Answer, Request, Web, WebError};

/// What the client said when it failed last: gix wraps it too deep to be found again.
pub(super) type LastFailure = Arc<Mutex<Option<WebError>>>;

/// Sends what gix asks for.
pub(super) struct Exchange {
    pub(super) web: Arc<dyn Web>,
    /// The beginning of the addresses that `authorization` is sent to, and its value.
    pub(super) authorization: Option<(String, String)>,
    pub(super) failure: LastFailure,
    /// Where the repository is, once an answer came from another place.
    pub(super) moved: Option<String>,
}

impl Exchange {
    fn request(
        &self,
        address: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        body: Option<Vec<u8>>,
    ) -> Message {
        let split = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let is_agent = name.eq_ignore_ascii_case("user-agent");
            (!is_agent).then(|| (name.to_owned(), value.trim().to_owned()))
        };
        let lines = headers.into_iter();
        let mut headers: Vec<_> = lines.filter_map(|line| split(line.as_ref())).collect();
        // Forges show their web pages to whatever does not call itself git.
        headers.push(("User-Agent".into(), AGENT.into()));
        if let Some((origin, value)) = &self.authorization
            && self::origin(address) == origin
        {
            headers.push(("Authorization".into(), value.clone()));
        }
        let request = Request { address: address.into(), headers, body };
        let state = State::Waiting { request, web: Arc::clone(&self.web) };
        Message { state: Arc::new(Mutex::new(state)), failure: Arc::clone(&self.failure) }
    }
}

/// Returns the scheme, the host and the port of an address.
pub(super) fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |colon| colon + 3);
    let end = address[host..].find('/').map_or(address.len(), |slash| host + slash);
    &address[..end]
}

impl Http for Exchange {
    type Headers = BufReader<Head>;
    type ResponseBody = BufReader<Body>;
    type PostBody = Message;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::error::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let message = self.request(url, headers, None);
        let address = message.answered().map_err(gix::Error::from_error)?;
        let asked = url.strip_prefix(base_url);
        if let Some(base) = asked.and_then(|asked| address.strip_suffix(asked))
            && base != base_url
        {
            self.moved = Some(base.to_owned());
        }
        Ok(GetResponse { headers: message.head(), body: message.body() })
    }

    fn post(
        &mut self,
        url: &str,
        _: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _: PostBodyDataKind,
    ) -> gix::error::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let message = self.request(url, headers, Some(Vec::new()));
        let (headers, body) = (message.head(), message.body());
        Ok(PostResponse { post_body: message, headers, body })
    }

    fn configure(&mut self, _: &dyn Any) -> gix::error::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.moved.clone()
    }
}

/// A request that is sent when its answer is read first.
#[derive(Clone)]
pub(super) struct Message {
    state: Arc<Mutex<State>>,
    failure: LastFailure,
}

enum State {
    Waiting {
        request: Request,
        web: Arc<dyn Web>,
    },
    Answered(Answer),
    /// It failed, or its answer was taken.
    Over,
}

impl Message {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the request if that was not done yet, and returns the address that answered.
    fn answered(&self) -> Result<String, WebError> {
        let mut state = self.lock();
        *state = match mem::replace(&mut *state, State::Over) {
            State::Waiting { request, web } => {
                State::Answered(web.send(request).inspect_err(|error| {
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    *failure = Some(error.clone());
                })?)
            }
            other => other,
        };
        match &*state {
            State::Answered(answer) => Ok(answer.address.clone()),
            _ => Ok(String::new()),
        }
    }

    fn head(&self) -> BufReader<Head> {
        BufReader::new(Head { message: self.clone(), lines: None })
    }

    fn body(&self) -> BufReader<Body> {
        BufReader::new(Body { message: self.clone(), content: None })
    }
}

impl Write for Message {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.lock() {
            State::Waiting { request, .. } => {
                request.body.get_or_insert_default().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The headers of an answer that gix looks at.
pub(super) struct Head {
    message: Message,
    lines: Option<Cursor<String>>,
}

impl Read for Head {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.lines.is_none() {
            self.message.answered().map_err(io::Error::other)?;
            let line = match &*self.message.lock() {
                State::Answered(answer) => format!("Content-Type: {}\n", answer.content_type),
                _ => String::new(),
            };
            self.lines = Some(Cursor::new(line));
        }
        self.lines.as_mut().map_or(Ok(0), |lines| lines.read(buffer))
    }
}

/// The content of an answer.
pub(super) struct Body {
    message: Message,
    content: Option<Box<dyn Read + Send>>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.content.is_none() {
            self.message.answered().map_err(io::Error::other)?;
            if let State::Answered(answer) = mem::replace(&mut *self.message.lock(), State::Over) {
                self.content = Some(answer.body);
            }
        }
        self.content.as_mut().map_or(Ok(0), |content| content.read(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_all_before_the_path() {
        assert_eq!(origin("https://host:1/a/b.git"), "https://host:1");
        assert_eq!(origin("https://host"), "https://host");
        assert_ne!(origin("https://host.evil.example/a"), "https://host");
    }
}
