//! What every page has: language, who is signed in, the proof a form carries, the utility's name and number.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use minijinja::value::{Serde, Value};
use relight_common::{
    Claims, Role,
    edge::{Anyone, Kind, Problem, RequestId, SESSION_COOKIE, cookie},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Templates;
use crate::{
    api::{Language, STAFF},
    app::App,
    config::Notices,
    words::{self, LANGUAGE_COOKIE},
};

/// Cookie of one browser; a form's proof is derived from it, so another site cannot make one.
const VISIT_COOKIE: &str = "relight_visit";

/// Who works for the utility without a place at the board.
pub(super) const ON_PHOTOS: [Role; 2] = [Role::Planner, Role::Crew];

/// One request for a page.
#[derive(Debug)]
pub struct Visit {
    /// Language of the page.
    pub language: Language,
    /// Who asks.
    pub claims: Claims,
    /// Session token, when signed in.
    pub token: Option<String>,
    unsure: Option<Problem>,
    path: String,
    visit: String,
    new_visit: bool,
    new_language: bool,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Anyone { caller, unsure, .. } = Anyone::from_request_parts(parts, app).await?;
        let mut claims = caller
            .as_ref()
            .map_or_else(Claims::anybody, |caller| caller.claims.clone());
        claims.request_id = RequestId::of(parts);
        let query = parts.uri.query().unwrap_or_default();
        let known = cookie(&parts.headers, VISIT_COOKIE).filter(|id| Uuid::parse_str(id).is_ok());
        Ok(Self {
            language: words::choose(query, &parts.headers),
            claims,
            token: caller.map(|caller| caller.token),
            unsure,
            path: parts.uri.path().to_owned(),
            new_visit: known.is_none(),
            visit: known.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned),
            new_language: words::asked(query).is_some(),
        })
    }
}

impl Visit {
    /// Refuses when nobody could say whose session it is: who is signed in must not be asked to sign in again.
    ///
    /// # Errors
    /// 503 or 429.
    pub fn sure(&self) -> Result<(), Problem> {
        self.unsure.clone().map_or(Ok(()), Err)
    }

    /// Whether somebody of the staff is signed in.
    pub fn is_staff(&self) -> bool {
        self.claims.has(&STAFF)
    }

    /// Whether anybody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a customer is signed in.
    pub fn is_customer(&self) -> bool {
        self.claims.has(&[Role::Customer]) && self.claims.customer_id.is_some()
    }

    /// The proof in this browser's forms: only a page of ours knows it.
    pub fn proof(&self) -> String {
        let mut hash = Sha256::new();
        for part in [
            "relight form",
            &self.visit,
            self.token.as_deref().unwrap_or_default(),
        ] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a form came from a page of ours.
    pub fn proves(&self, proof: &str) -> bool {
        !self.new_visit && proof == self.proof()
    }

    /// Refuses a form that did not come from a page of ours.
    ///
    /// # Errors
    /// 403.
    pub fn check(&self, proof: &str) -> Result<(), Problem> {
        if self.proves(proof) {
            Ok(())
        } else {
            Err(Problem::new(Kind::Forbidden, "expired"))
        }
    }

    /// The words for `key`.
    pub fn say(&self, key: &str) -> String {
        words::say(self.language, key, &[])
    }

    /// The page `template` with `context`.
    ///
    /// # Errors
    /// 500 when the template does not fit.
    pub fn page(&self, app: &App, template: &str, context: impl Serialize) -> Result<Response, Problem> {
        let html = self
            .frame(app.notices())
            .render(app.templates(), template, context)?;
        let mut response = Html(html).into_response();
        let secure = if app.http().secure_cookies { "; Secure" } else { "" };
        if self.new_visit {
            let value = format!(
                "{VISIT_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
                self.visit
            );
            set_cookie(&mut response, &value);
        }
        if self.new_language {
            let tag = words::tag(self.language);
            let value = format!("{LANGUAGE_COOKIE}={tag}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
            set_cookie(&mut response, &value);
        }
        Ok(response)
    }

    pub(super) fn frame(&self, notices: &Notices) -> Frame {
        Frame {
            signed_in: self.token.is_some(),
            staff: self.is_staff(),
            photos: !self.is_staff() && self.claims.has(&ON_PHOTOS),
            csrf: self.proof(),
            ..Frame::new(self.language, &self.path, notices)
        }
    }
}

/// What the frame around a page shows.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// BCP 47 tag.
    pub lang: &'static str,
    /// The other language's tag.
    pub other_lang: &'static str,
    /// Address without parameters.
    pub path: String,
    /// Name of the utility.
    pub org: String,
    /// Number customers call.
    pub phone: String,
    /// Somebody is signed in.
    pub signed_in: bool,
    /// Of the staff.
    pub staff: bool,
    /// Works for the utility and has the page of photos instead of the board.
    pub photos: bool,
    /// Proof in forms.
    pub csrf: String,
}

impl Frame {
    /// A frame for somebody who is not signed in.
    pub fn new(language: Language, path: &str, notices: &Notices) -> Self {
        let other = match language {
            Language::ZhCn => Language::En,
            Language::En => Language::ZhCn,
        };
        let org = match language {
            Language::ZhCn => &notices.org_zh,
            Language::En => &notices.org_en,
        };
        Self {
            lang: words::tag(language),
            other_lang: words::tag(other),
            path: path.to_owned(),
            org: org.clone(),
            phone: notices.phone.clone(),
            signed_in: false,
            staff: false,
            photos: false,
            csrf: String::new(),
        }
    }

    /// The page `template` with `context` in this frame.
    ///
    /// # Errors
    /// 500 when the template does not fit.
    pub fn render(
        &self,
        templates: &Templates,
        template: &str,
        context: impl Serialize,
    ) -> Result<String, Problem> {
        let context = minijinja::context! { ..Value::from(Serde(self)), ..Value::from(Serde(context)) };
        templates.render_raw(template, context)
    }
}

pub(super) fn set_cookie(response: &mut Response, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The cookie of a session that ends with the browser; empty token: forget it.
pub(super) fn session_cookie(app: &App, token: &str) -> String {
    let secure = if app.http().secure_cookies { "; Secure" } else { "" };
    let age = if token.is_empty() { "; Max-Age=0" } else { "" };
    format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
}
