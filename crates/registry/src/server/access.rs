//! Who may do what: nobody's check, HTTP basic authentication, or tokens of the registry's own token endpoint.

mod form;
mod rights;
mod token;
mod users;

use axum::{
    body::Body,
    http::{HeaderMap, Method, header, request::Parts},
    response::Response,
};

pub(super) use self::rights::Need;
use self::{form::Form, token::Tokens};
pub use self::{
    rights::{Action, Grant, Repositories, RightsError},
    users::{User, Users},
};
use super::refusal::Refusal;

/// Who may use a registry.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Access {
    /// Everybody who reaches the port.
    #[default]
    Open,
    /// Users, by HTTP basic authentication: every request carries name and password.
    Basic(Users),
    /// Users, by tokens: name and password go to `/token` alone, which gives a token for a few minutes, or an identity token
    /// that stands for the password until the server ends.
    Token(Users),
}

/// Checks requests.
#[derive(Debug)]
pub(super) enum Gate {
    Open,
    Basic(Users),
    Token(Users, Tokens),
}

/// Who makes a request, and what that one may do.
#[derive(Debug)]
pub(super) enum Visitor<'a> {
    /// Anybody, who may do everything.
    Anybody,
    /// A user, or everybody without a name.
    Known {
        rights: Vec<&'a Grant>,
        /// What the token was given for, which may be less.
        scopes: Option<Vec<Grant>>,
    },
}

impl Visitor<'_> {
    /// Tells whether this request may do that.
    pub(super) fn may(&self, need: &Need) -> bool {
        match self {
            Self::Anybody => true,
            Self::Known { scopes: Some(scopes), .. } => scopes.iter().any(|it| it.covers(need)),
            Self::Known { .. } => self.has_right(need),
        }
    }

    /// Tells whether who makes the request may do that, perhaps with another token.
    pub(super) fn has_right(&self, need: &Need) -> bool {
        match self {
            Self::Anybody => true,
            Self::Known { rights, .. } => rights.iter().any(|grant| grant.covers(need)),
        }
    }

    /// Tells whether every repository may be read.
    pub(super) fn may_pull_all(&self) -> bool {
        match self {
            Self::Anybody => true,
            Self::Known { rights, .. } => rights.iter().any(|grant| {
                grant.repositories == Repositories::All && grant.actions.contains(&Action::Pull)
            }),
        }
    }
}

impl From<Access> for Gate {
    fn from(access: Access) -> Self {
        match access {
            Access::Open => Self::Open,
            Access::Basic(users) => Self::Basic(users),
            Access::Token(users) => Self::Token(users, Tokens::default()),
        }
    }
}

impl Gate {
    /// Lets a request through that needs all of `needs`; what needs nothing is for those who have shown who they are.
    ///
    /// `origin` is where the registry is, as the client sees it. `useful` is asked for in a token as well, of those who have
    /// a right to it.
    pub(super) fn admit(
        &self,
        head: &Parts,
        origin: &str,
        needs: &[Need],
        useful: &[Need],
    ) -> Result<Visitor<'_>, Refusal> {
        match self {
            Self::Open => Ok(Visitor::Anybody),
            Self::Basic(users) => admit_basic(users, &head.headers, needs),
            Self::Token(users, tokens) => tokens.admit(users, &head.headers, origin, needs, useful),
        }
    }

    /// Answers a question for a token, where tokens are given.
    pub(super) async fn token(&self, head: &Parts, body: Body) -> Result<Response, Refusal> {
        let Self::Token(users, tokens) = self else { return Err(Refusal::not_found()) };
        if head.method == Method::POST {
            return tokens.exchange(users, &Form::read(body).await?);
        }
        tokens.give(users, head)
    }
}

fn admit_basic<'a>(
    users: &'a Users,
    headers: &HeaderMap,
    needs: &[Need],
) -> Result<Visitor<'a>, Refusal> {
    let challenge = || Refusal::unauthorized(users::CHALLENGE.to_owned());
    let user = users.named(headers).map_err(|_| challenge())?;
    let visitor = Visitor::Known { rights: users.rights(user), scopes: None };
    match needs.iter().find(|need| !visitor.may(need)) {
        Some(need) if user.is_some() => Err(Refusal::denied(need)),
        Some(_) => Err(challenge()),
        // Clients learn from the base that there are users at all.
        None if needs.is_empty() && user.is_none() => Err(challenge()),
        None => Ok(visitor),
    }
}

/// Returns what follows `scheme` in the header with which a client shows who it is.
fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| value.trim())
}
