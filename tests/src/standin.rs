//! A small stand-in for a platform's front door, for requests over HTTP: it signs people up and in, sends mails with passwords
//! that are used once, keeps files, and answers for rows what a real Postgres says. It is no PostgREST and no Auth: what it
//! knows is what the tests ask.

use serde_json::{Value, json};
use specc_postgres::{Database, Session};
use specc_smoke::{Courier, Method, Received, Surface, Within};
use specc_trial::Got;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// The keys that it knows.
pub const ANON_KEY: &str = "key-of-the-project";
/// That of the service.
pub const SERVICE_KEY: &str = "key-of-the-service";

/// The front door. It serves as long as somebody lets it.
pub struct StandIn<'s, 'm> {
    surface: &'s Surface<'m>,
    session: Session,
    courier: Courier,
    /// Key and password by address.
    people: BTreeMap<String, (String, String)>,
    mails: Vec<(String, String)>,
    files: BTreeMap<String, (String, Vec<u8>)>,
}

struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer { status, kind: "application/json".to_owned(), body: body.to_string().into_bytes() }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).expect("UTF-8")
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = query.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let path = decoded(path);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(Asked { method, path, query, headers, body })
}

impl<'s, 'm> StandIn<'s, 'm> {
    /// For a database of what the surface shows.
    pub fn new(surface: &'s Surface<'m>, database: &Database) -> Self {
        let session = database.connect_superuser().expect("a session");
        let search = ["public".to_owned(), "extensions".to_owned()];
        let courier = Courier::new("anon", &search);
        Self { surface, session, courier, people: BTreeMap::new(), mails: Vec::new(), files: BTreeMap::new() }
    }

    /// Serves until somebody asks for `/stop`.
    pub fn serve(mut self, listener: &TcpListener) {
        for stream in listener.incoming().flatten() {
            let Some(asked) = read(&stream) else { continue };
            if asked.path == "/stop" {
                return;
            }
            let answer = self.answer(&asked);
            let mut stream = stream;
            let head = format!(
                "HTTP/1.1 {} OK\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.status,
                answer.kind,
                answer.body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
        }
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let json: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        if asked.path == "/mailbox" {
            let to = asked.query.iter().find(|(name, _)| name == "to").map(|(_, to)| to.clone()).unwrap_or_default();
            let mails = self.mails.iter().rev().filter(|(address, _)| *address == to);
            let mails: Vec<Value> = mails.map(|(_, text)| json!({ "text": text })).collect();
            return answer(200, &mails.into());
        }
        let header = |name: &str| asked.headers.get(name).cloned().unwrap_or_default();
        let key = header("apikey");
        if ![ANON_KEY, SERVICE_KEY].contains(&key.as_str()) {
            return answer(401, &json!({ "message": "Invalid API key" }));
        }
        let token = header("authorization").trim_start_matches("Bearer ").to_owned();
        let (role, viewer) = match token.as_str() {
            ANON_KEY => ("anon", None),
            SERVICE_KEY => ("service_role", None),
            token => match token.strip_prefix("session-of-") {
                Some(person) => ("authenticated", Some(person.to_owned())),
                None => return answer(401, &json!({ "message": "invalid JWT" })),
            },
        };
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/auth/v1/signup") => self.sign_up(&text("email"), &text("password")),
            ("POST", "/auth/v1/token") => match self.people.get(&text("email")) {
                Some((id, password)) if *password == text("password") => session_of(id, &text("email")),
                _ => answer(400, &json!({ "code": 400, "msg": "Invalid login credentials" })),
            },
            ("POST", "/auth/v1/otp") => {
                let code = format!("{:06}", 100_000 + self.mails.len() * 7919 % 900_000);
                self.mails.push((text("email"), format!("Your code is {code}. It is good for an hour.")));
                answer(200, &json!({}))
            }
            ("POST", "/auth/v1/verify") => {
                let sent = self.mails.iter().any(|(to, mail)| *to == text("email") && mail.contains(&text("token")));
                match self.people.get(&text("email")).filter(|_| sent && text("token").len() == 6) {
                    Some((id, _)) => session_of(id, &text("email")),
                    None => answer(403, &json!({ "code": 403, "msg": "Token has expired or is invalid" })),
                }
            }
            ("POST", "/auth/v1/logout") => answer(204, &Value::Null),
            (method, path) if path.starts_with("/rest/v1/") => self.rows(method, path, asked, (role, viewer), &body),
            ("POST", path) if path.starts_with("/storage/v1/object/") => {
                let name = path.trim_start_matches("/storage/v1/object/").to_owned();
                self.upload(&name, asked, role, viewer)
            }
            ("GET", path) if path.starts_with("/storage/v1/object/public/") => {
                match self.files.get(path.trim_start_matches("/storage/v1/object/public/")) {
                    Some((kind, bytes)) => Answer { status: 200, kind: kind.clone(), body: bytes.clone() },
                    None => answer(400, &json!({ "statusCode": "404", "message": "Object not found" })),
                }
            }
            _ => answer(404, &json!({ "message": "no route" })),
        }
    }

    fn sign_up(&mut self, email: &str, password: &str) -> Answer {
        if self.people.contains_key(email) {
            return answer(422, &json!({ "code": 422, "msg": "User already registered" }));
        }
        if password.len() < 6 {
            return answer(422, &json!({ "code": 422, "msg": "Password should be at least 6 characters." }));
        }
        let made = self.session.query_one(
            "insert into auth.users (id, email) values (gen_random_uuid(), $1) returning id::text",
            &[&email],
        );
        let id: String = made.expect("an account").get(0);
        self.people.insert(email.to_owned(), (id.clone(), password.to_owned()));
        session_of(&id, email)
    }

    fn settings(role: &str, viewer: Option<&str>) -> Vec<String> {
        let mut claims = json!({ "role": role });
        if let Some(viewer) = viewer {
            claims["sub"] = viewer.into();
        }
        vec!["request.jwt.claims".to_owned(), claims.to_string()]
    }

    fn rows(
        &mut self,
        method: &str,
        path: &str,
        asked: &Asked,
        (role, viewer): (&str, Option<String>),
        body: &str,
    ) -> Answer {
        let method = match method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            _ => Method::Delete,
        };
        let range = asked.headers.get("range").and_then(|range| {
            let (first, last) = range.split_once('-')?;
            Some((first.parse().ok()?, last.parse().ok()?))
        });
        let received = Received {
            method,
            path: path.trim_start_matches("/rest/v1"),
            query: &asked.query,
            prefer: asked.headers.get("prefer").map_or("", String::as_str),
            range,
            body,
        };
        let settings = Self::settings(role, viewer.as_deref());
        let request = match received.request(self.surface, role, settings) {
            Ok(request) => request,
            Err(status) => return answer(status, &json!({ "code": "PGRST", "message": "not known here" })),
        };
        let reply = self.courier.send(&mut self.session, &request, Within::Kept).expect("the database answers");
        match reply.got {
            Got::Error(code, _, message) => answer(reply.status, &json!({ "code": code, "message": message })),
            Got::Rows(_) if request.gives == specc_smoke::Gives::Nothing => {
                Answer { status: reply.status, kind: "text/plain".to_owned(), body: Vec::new() }
            }
            Got::Rows(_) => {
                Answer { status: reply.status, kind: "application/json".to_owned(), body: reply.body.into_bytes() }
            }
        }
    }

    /// A file: its row is made as who uploads it, so that the rules of the bucket decide.
    fn upload(&mut self, name: &str, asked: &Asked, role: &str, viewer: Option<String>) -> Answer {
        let (bucket, path) = name.split_once('/').unwrap_or((name, ""));
        let mut transaction = self.session.transaction().expect("a transaction");
        for pair in Self::settings(role, viewer.as_deref()).chunks_exact(2) {
            transaction.execute("select set_config($1, $2, true)", &[&pair[0], &pair[1]]).expect("a setting");
        }
        transaction.batch_execute(&format!("set local role {role}")).expect("the role");
        let sql = "insert into storage.objects (bucket_id, name, owner_id) values ($1, $2, $3)";
        match transaction.execute(sql, &[&bucket, &path, &viewer]) {
            Ok(_) => {
                transaction.commit().expect("a commit");
                let kind = asked.headers.get("content-type").cloned().unwrap_or_default();
                self.files.insert(name.to_owned(), (kind, asked.body.clone()));
                answer(200, &json!({ "Key": name }))
            }
            Err(error) => {
                let said = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
                answer(400, &json!({ "statusCode": "403", "error": "Unauthorized", "message": said }))
            }
        }
    }
}

fn session_of(id: &str, email: &str) -> Answer {
    let user = json!({ "id": id, "email": email });
    answer(
        200,
        &json!({ "access_token": format!("session-of-{id}"), "token_type": "bearer", "expires_in": 3600, "user": user }),
    )
}
