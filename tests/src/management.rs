//! A stand-in for Supabase's Management API: it answers as the API's public description says, from what it remembers, and fails
//! as it is told to.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The token that it takes.
pub const TOKEN: &str = "sbp_0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status with this message, and nothing done. With `Retry-After`, where it is said.
    Status(u16, &'static str, Option<u32>),
    /// No answer within this time, and nothing done.
    Silent(Duration),
    /// It is done, and the connection ends without an answer.
    DoneUnsaid,
    /// It is done, and the answer has another status.
    DoneBut(u16),
}

/// What it remembers.
pub struct State {
    /// The projects, as it answers them, with their passwords beside them.
    pub projects: Vec<(Value, String)>,
    /// Method and path of each request.
    pub asked: Vec<String>,
    /// What goes wrong, by the beginning of `METHOD /path`; each once, in this order.
    pub faults: VecDeque<(&'static str, Fault)>,
    /// How often the health of a project is asked for until it is good.
    pub healthy_after: u32,
    /// How a project begins.
    pub begins: &'static str,
    /// The host of each database.
    pub host: String,
    /// The plan of the organisation.
    pub plan: &'static str,
    /// How many projects the organisation may have.
    pub quota: usize,
}

/// A server on this machine, gone with the process.
pub struct Api {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Api {
    /// Starts it. Databases of its projects are at `host`.
    pub fn start(host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State {
            projects: Vec::new(),
            asked: Vec::new(),
            faults: VecDeque::new(),
            healthy_after: 1,
            begins: "COMING_UP",
            host: host.to_owned(),
            plan: "pro",
            quota: 10,
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, state }
    }

    /// What it remembers, to look at or to change.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().expect("a state"))
    }

    /// Lets requests fail, each once.
    pub fn fails(&self, faults: impl IntoIterator<Item = (&'static str, Fault)>) {
        self.with(|state| state.faults.extend(faults));
    }

    /// How often something was asked, by the beginning of `METHOD /path`.
    pub fn times(&self, what: &str) -> usize {
        self.with(|state| state.asked.iter().filter(|asked| asked.starts_with(what)).count())
    }

    /// The references of the projects that there are.
    pub fn references(&self) -> Vec<String> {
        let reference = |(project, _): &(Value, String)| project["ref"].as_str().expect("a reference").to_owned();
        self.with(|state| state.projects.iter().map(reference).collect())
    }
}

/// A request: method, path, token, body.
fn read(stream: &mut TcpStream) -> Option<(String, String, String, Value)> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let field = |name: &str| {
        let found = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        found.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let mut body = vec![0; field("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some((method, path, field("authorization"), serde_json::from_slice(&body).unwrap_or_default()))
}

fn answer(stream: &mut TcpStream, status: u16, more: &str, body: &Value) {
    let text = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}connection: close\r\n");
    let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{text}", text.len()).as_bytes());
}

fn serve(mut stream: TcpStream, shared: &Mutex<State>) {
    let Some((method, path, token, body)) = read(&mut stream) else { return };
    let asked = format!("{method} {path}");
    let fault = {
        let mut state = shared.lock().expect("a state");
        state.asked.push(asked.clone());
        match state.faults.front() {
            Some((what, _)) if asked.starts_with(what) => state.faults.pop_front().map(|(_, fault)| fault),
            _ => None,
        }
    };
    let done = || {
        let mut state = shared.lock().expect("a state");
        match token == format!("Bearer {TOKEN}") {
            true => state.act(&method, &path, &body),
            false => (401, json!({ "message": "Unauthorized" })),
        }
    };
    match fault {
        None => {
            let (status, value) = done();
            answer(&mut stream, status, "", &value);
        }
        Some(Fault::Status(status, message, after)) => {
            let more = after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
            answer(&mut stream, status, &more, &json!({ "message": message }));
        }
        Some(Fault::Silent(time)) => std::thread::sleep(time),
        Some(Fault::DoneUnsaid) => drop(done()),
        Some(Fault::DoneBut(status)) => {
            done();
            answer(&mut stream, status, "", &json!({ "message": "Internal Server Error" }));
        }
    }
}

impl State {
    fn act(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let missing = || (404, json!({ "message": "Not Found" }));
        match (method, parts.as_slice()) {
            ("GET", ["organizations"]) => (200, json!([{ "id": "acme", "slug": "acme", "name": "Acme" }])),
            ("GET", ["organizations", "acme"]) => {
                (200, json!({ "id": "acme", "slug": "acme", "name": "Acme", "plan": self.plan, "opt_in_tags": [] }))
            }
            ("GET", ["projects"]) => (200, self.projects.iter().map(|(project, _)| project.clone()).collect()),
            ("POST", ["projects"]) => self.create(body),
            (_, ["projects", reference, rest @ ..]) => {
                let Some(at) = self.projects.iter().position(|(project, _)| project["ref"] == *reference) else {
                    return missing();
                };
                match (method, rest) {
                    ("GET", []) => {
                        // Each look at it is some time.
                        if self.projects[at].0["status"] == "COMING_UP" {
                            self.projects[at].0["status"] = "ACTIVE_HEALTHY".into();
                            let mut now = self.projects[at].0.clone();
                            now["status"] = "COMING_UP".into();
                            return (200, now);
                        }
                        (200, self.projects[at].0.clone())
                    }
                    ("GET", ["health"]) => (200, self.health(query)),
                    ("GET", ["api-keys"]) => {
                        let key = |name: &str| json!({ "name": name, "api_key": format!("eyJ.{name}.key"), "type": "legacy" });
                        (200, json!([key("anon"), key("service_role")]))
                    }
                    ("DELETE", []) => {
                        let (project, _) = self.projects.remove(at);
                        (200, json!({ "id": 1, "ref": project["ref"], "name": project["name"] }))
                    }
                    _ => missing(),
                }
            }
            _ => missing(),
        }
    }

    fn create(&mut self, body: &Value) -> (u16, Value) {
        let refused = |message: &str| (400, json!({ "message": message }));
        let said =
            ["name", "organization_slug", "region", "db_pass"].map(|name| body[name].as_str().unwrap_or_default());
        let [name, organization, region, password] = said;
        if said.iter().any(|value| value.is_empty()) || organization != "acme" {
            return refused("name, organization_slug, region and db_pass are required");
        }
        if password.len() < 16 {
            return refused("db_pass is too weak");
        }
        if self.projects.len() >= self.quota {
            return refused("The organization has reached its limit of active projects");
        }
        if self.projects.iter().any(|(project, _)| project["name"] == name) {
            return refused("A project with this name exists already in the organization");
        }
        let reference = format!("{:a<20}", format!("project{}", (b'b' + self.asked.len() as u8 % 24) as char));
        let project = json!({
            "id": reference, "ref": reference, "organization_id": "acme", "organization_slug": "acme", "name": name,
            "region": region, "created_at": "2026-01-01T00:00:00Z", "status": self.begins,
            "database": { "host": self.host, "version": "18.0.0", "postgres_engine": "18", "release_channel": "ga" },
        });
        self.projects.push((project.clone(), password.to_owned()));
        (201, project)
    }

    fn health(&mut self, query: &str) -> Value {
        let is_good = self.healthy_after == 0;
        self.healthy_after = self.healthy_after.saturating_sub(1);
        let services = query.trim_start_matches("services=").split(',');
        let one = |name: &str| {
            let good = is_good || name == "db";
            json!({ "name": name, "healthy": good, "status": if good { "ACTIVE_HEALTHY" } else { "COMING_UP" } })
        };
        services.map(one).collect()
    }
}
