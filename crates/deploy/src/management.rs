//! Supabase's Management API: organisations, projects, their health and keys.

use crate::Creation;
use serde_json::{Value, json};
use specc_http::{Client, Method, Request, Response, Secret};
use std::fmt;

/// The services that a project has to have.
const SERVICES: &str = "auth,db,pooler,rest,storage";

/// What can be asked of the API, as whose token it is.
pub struct Management {
    client: Client,
    base: String,
    token: Secret,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// By which it is known.
    pub slug: String,
    /// Its name.
    pub name: String,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// By which it is known.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// The slug of its organisation.
    pub organization: String,
    /// Where it is.
    pub region: String,
    /// As the API says it: `ACTIVE_HEALTHY`, `COMING_UP` and others.
    pub status: String,
    /// The host of its database.
    pub host: Option<String>,
}

/// A service of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// As the API says it.
    pub status: String,
}

impl Service {
    /// Whether it works.
    pub fn is_healthy(&self) -> bool {
        self.status == "ACTIVE_HEALTHY"
    }
}

/// The keys with which programs ask a project.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// For browsers: bound by the rules.
    pub public: Secret,
    /// For servers: bound by nothing.
    pub service: Secret,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Why the API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token is none, or may not do it.
    #[error(
        "the Management API does not take the token: {0}\n  help: make one under Account → Access Tokens, with the rights to \
             organisations and projects, and put it into SUPABASE_ACCESS_TOKEN"
    )]
    Token(String),
    /// There is none of that name.
    #[error("the Management API knows nothing of {0}")]
    Missing(String),
    /// It is refused: a quota, a name, a region, a plan.
    #[error("the Management API refuses it ({status}): {message}")]
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It has no time.
    #[error("the Management API takes no more requests for now: wait a minute, and run the same command again")]
    Busy,
    /// It failed.
    #[error("the Management API failed ({status}){message}: run the same command again later")]
    Failed {
        /// The status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// There is no answer.
    #[error(transparent)]
    Http(#[from] specc_http::Error),
    /// The answer is not what the API's description says.
    #[error("the Management API answered `{0}` without `{1}`")]
    Strange(String, &'static str),
}

impl ApiError {
    /// Whether it may have been done all the same.
    pub fn may_be_done(&self) -> bool {
        match self {
            ApiError::Failed { .. } | ApiError::Strange(..) => true,
            ApiError::Http(error) => error.may_be_done(),
            _ => false,
        }
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Management {
    /// The API at an address.
    pub fn new(client: Client, base: &str, token: Secret) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), token }
    }

    /// Sends, and gives the answer where it is a good one.
    fn ask(&self, method: Method, path: &str, what: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let request = Request::new(method, format!("{}{path}", self.base)).bearer(&self.token);
        let request = body.map_or(request.clone(), |body| request.json(body));
        let response = self.client.send(&request)?;
        match response.status() {
            200..=299 => Ok(response.json()?),
            401 | 403 => Err(ApiError::Token(message(&response))),
            404 => Err(ApiError::Missing(what.to_owned())),
            429 => Err(ApiError::Busy),
            status @ 500.. => Err(ApiError::Failed { status, message: format!(": {}", message(&response)) }),
            status => Err(ApiError::Refused { status, message: message(&response) }),
        }
    }

    fn list(&self, path: &str, what: &str) -> Result<Vec<Value>, ApiError> {
        match self.ask(Method::Get, path, what, None)? {
            Value::Array(all) => Ok(all),
            _ => Err(ApiError::Strange(format!("GET {path}"), "a list")),
        }
    }

    /// The organisations that the token reaches.
    ///
    /// # Errors
    /// As all of these: where the API does not answer, or refuses.
    pub fn organizations(&self) -> Result<Vec<Organization>, ApiError> {
        let all = self.list("/v1/organizations", "organisations")?;
        let one = |value: &Value| {
            let slug = text(value, "slug").or_else(|| text(value, "id"))?;
            Some(Organization { name: text(value, "name").unwrap_or_else(|| slug.clone()), slug })
        };
        Ok(all.iter().filter_map(one).collect())
    }

    /// The plan that an organisation pays for, where the API says it.
    pub fn plan_of(&self, organization: &str) -> Result<Option<String>, ApiError> {
        let what = format!("the organisation `{organization}`");
        let value = self.ask(Method::Get, &format!("/v1/organizations/{}", escaped(organization)), &what, None)?;
        Ok(text(&value, "plan"))
    }

    /// The projects that the token reaches.
    pub fn projects(&self) -> Result<Vec<Project>, ApiError> {
        let all = self.list("/v1/projects", "projects")?;
        all.iter().map(|value| project(value, "GET /v1/projects")).collect()
    }

    /// A project.
    pub fn project(&self, reference: &str) -> Result<Project, ApiError> {
        let path = format!("/v1/projects/{}", escaped(reference));
        let value = self.ask(Method::Get, &path, &format!("the project `{reference}`"), None)?;
        project(&value, "GET /v1/projects/{ref}")
    }

    /// Makes a project. Where no answer says whether it is made, it is looked for: the name was free before.
    pub fn create(&self, creation: &Creation, password: &Secret) -> Result<Project, ApiError> {
        let body = json!({
            "name": creation.name,
            "organization_slug": creation.organization,
            "region": creation.region,
            "db_pass": password.expose(),
        });
        let asked = self.ask(Method::Post, "/v1/projects", "the organisation", Some(&body));
        match asked.and_then(|value| project(&value, "POST /v1/projects")) {
            Err(error) if error.may_be_done() => match self.named(&creation.name, &creation.organization)? {
                Some(found) => Ok(found),
                None => Err(error),
            },
            made => made,
        }
    }

    /// The project of this name in an organisation.
    pub fn named(&self, name: &str, organization: &str) -> Result<Option<Project>, ApiError> {
        let is = |project: &Project| project.name == name && project.organization == organization;
        Ok(self.projects()?.into_iter().find(is))
    }

    /// How its services are.
    pub fn health(&self, reference: &str) -> Result<Vec<Service>, ApiError> {
        let path = format!("/v1/projects/{}/health?services={SERVICES}", escaped(reference));
        let all = self.list(&path, &format!("the project `{reference}`"))?;
        let one = |value: &Value| Some(Service { name: text(value, "name")?, status: text(value, "status")? });
        all.iter()
            .map(one)
            .collect::<Option<_>>()
            .ok_or_else(|| ApiError::Strange("GET /v1/projects/{ref}/health".to_owned(), "name and status"))
    }

    /// Its keys.
    pub fn keys(&self, reference: &str) -> Result<Keys, ApiError> {
        let path = format!("/v1/projects/{}/api-keys?reveal=true", escaped(reference));
        let all = self.list(&path, &format!("the project `{reference}`"))?;
        // The older ones have a name, the newer ones a sort.
        let find = |name: &str, sort: &str| {
            let is = |value: &&Value| value["type"].as_str() == Some(sort) || value["name"].as_str() == Some(name);
            let newest = all.iter().find(|value| value["type"].as_str() == Some(sort));
            newest.or_else(|| all.iter().find(is)).and_then(|value| text(value, "api_key")).map(Secret::new)
        };
        match (find("anon", "publishable"), find("service_role", "secret")) {
            (Some(public), Some(service)) => Ok(Keys { public, service }),
            _ => Err(ApiError::Strange(
                "GET /v1/projects/{ref}/api-keys".to_owned(),
                "a key for browsers and one for servers",
            )),
        }
    }

    /// Deletes a project. One that is not there is deleted.
    pub fn delete(&self, reference: &str) -> Result<(), ApiError> {
        let path = format!("/v1/projects/{}", escaped(reference));
        match self.ask(Method::Delete, &path, &format!("the project `{reference}`"), None) {
            Ok(_) | Err(ApiError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What an answer says is wrong; never more than a line of it.
fn message(response: &Response) -> String {
    let said = response.json().ok().and_then(|value| text(&value, "message"));
    let said = said.map_or_else(|| "it does not say why".to_owned(), |said| response.shown(&said));
    specc_diag::one_line(&said).chars().take(300).collect()
}

fn project(value: &Value, asked: &str) -> Result<Project, ApiError> {
    let strange = |name| ApiError::Strange(asked.to_owned(), name);
    Ok(Project {
        reference: text(value, "ref").or_else(|| text(value, "id")).ok_or_else(|| strange("ref"))?,
        name: text(value, "name").ok_or_else(|| strange("name"))?,
        organization: text(value, "organization_slug").or_else(|| text(value, "organization_id")).unwrap_or_default(),
        region: text(value, "region").unwrap_or_default(),
        status: text(value, "status").unwrap_or_default(),
        host: text(&value["database"], "host"),
    })
}

/// A part of a path: what has a meaning there is written as a number.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
