//! Stories and reads over HTTP, as a client of the platform sends them: `apikey`, `Authorization`, `Prefer`, ranges.

use crate::exchange::{Exchange, Kind, Wish};
use crate::live::{page, without_values};
use crate::report::Report;
use crate::request::{Request, encoded};
use crate::send::Reply;
use crate::stories::{Kept, Place, Step, Stories, Story, at, digits, method_of, plain};
use crate::surface::{IsWanted, Select, Surface};
use crate::{Asker, Spread};
use serde_json::{Value, json};
use specc_diag::TestCase;
use specc_http::{Client, Error, Response, Secret};
use specc_prove::Expected;
use specc_trial::Got;

/// Where the API is, and the key of the project.
pub struct Door {
    /// Its address, without a path.
    pub url: String,
    /// The key.
    pub key: Secret,
    /// What sends.
    pub client: Client,
}

/// A step that was played, or why not.
#[derive(Clone, Debug)]
pub struct Played {
    /// The story.
    pub story: String,
    /// The request, as the file has it.
    pub request: String,
    /// The status that should come.
    pub expected: u16,
    /// The status that came.
    pub status: Option<u16>,
    /// What is wrong; nothing if nothing is.
    pub wrong: Option<String>,
    /// Whether it was not sent, since a step before it went wrong.
    pub skipped: bool,
    /// How long it took.
    pub micros: u64,
}

/// What came of stories.
#[derive(Clone, Debug, Default)]
pub struct Playbill {
    /// In their order.
    pub played: Vec<Played>,
}

impl Playbill {
    /// The steps that went wrong.
    pub fn failures(&self) -> impl Iterator<Item = &Played> {
        self.played.iter().filter(|one| one.wrong.is_some() && !one.skipped)
    }

    /// How long they took.
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.played.iter().filter(|one| one.status.is_some()).map(|one| one.micros).collect())
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let steps = self.played.iter().map(|one| {
            json!({
                "story": one.story,
                "request": one.request,
                "expected": one.expected,
                "status": one.status,
                "wrong": one.wrong,
                "skipped": one.skipped,
                "micros": one.micros,
            })
        });
        steps.collect()
    }

    /// As cases of JUnit.
    pub fn cases(&self) -> Vec<TestCase> {
        let case = |(at, one): (usize, &Played)| TestCase {
            class: format!("story.{}", one.story),
            name: format!("{} #{}", one.request, at + 1),
            failure: one.wrong.clone().filter(|_| !one.skipped),
            skipped: one.wrong.clone().filter(|_| one.skipped),
        };
        self.played.iter().enumerate().map(case).collect()
    }
}

/// Plays all stories. What a story keeps is its own; `kept` is there for each.
pub fn play(door: &Door, stories: &Stories, kept: &Kept) -> Playbill {
    let mut bill = Playbill::default();
    for story in &stories.story {
        of_story(door, story, kept.clone(), &mut bill);
    }
    bill
}

fn of_story(door: &Door, story: &Story, mut kept: Kept, bill: &mut Playbill) {
    let mut broken = false;
    for step in &story.step {
        let mut played = Played {
            story: story.name.clone(),
            request: step.request.clone(),
            expected: step.status,
            status: None,
            wrong: None,
            skipped: broken,
            micros: 0,
        };
        if broken {
            played.wrong = Some("a step before it went wrong".to_owned());
            bill.played.push(played);
            continue;
        }
        match sent(door, step, &kept) {
            Err(why) => played.wrong = Some(why),
            Ok(response) => {
                played.status = Some(response.status());
                played.micros = u64::try_from(response.took().as_micros()).unwrap_or(u64::MAX);
                played.wrong = answered(step, &response, &mut kept).err();
            }
        }
        broken = played.wrong.is_some();
        bill.played.push(played);
    }
}

fn sent(door: &Door, step: &Step, kept: &Kept) -> Result<Response, String> {
    let (method, path) = step.request.split_once(' ').unwrap_or_default();
    let method = method_of(method).ok_or("it has no method")?;
    // A whole address is somebody else's server: the key of the project is not for it.
    let (url, is_ours) = match path.starts_with('/') {
        true => (format!("{}{}", door.url.trim_end_matches('/'), kept.filled(path, encoded)?), true),
        false => (kept.filled(path, str::to_owned)?, false),
    };
    let mut request = specc_http::Request::new(method, url).header("accept", "application/json");
    if is_ours {
        let key = match &step.key {
            Some(key) => Secret::new(kept.filled(key, str::to_owned)?),
            None => Secret::new(door.key.expose()),
        };
        let token = match &step.token {
            Some(token) => Secret::new(kept.filled(token, str::to_owned)?),
            None => Secret::new(key.expose()),
        };
        request = request.secret_header("apikey", &key).bearer(&token);
    }
    if let Some(prefer) = &step.prefer {
        request = request.header("prefer", prefer);
    }
    if let Some(range) = &step.range {
        request = request.header("range-unit", "items").header("range", range);
    }
    if let Some(body) = &step.body {
        request = request.json(&kept.json(body)?);
    }
    if let Some(upload) = &step.upload {
        let text = kept.filled(&upload.text, str::to_owned)?;
        request = request.body(&upload.kind, text.into_bytes());
    }
    // What is sent once is answered once: a story is no place for a second try.
    door.client.send(&request.repeatable(false)).map_err(|error| error.to_string())
}

/// What is wrong with an answer; what is to be kept of it is.
fn answered(step: &Step, response: &Response, kept: &mut Kept) -> Result<(), String> {
    let body: Value = response.json().unwrap_or(Value::Null);
    if response.status() != step.status {
        // A message of the API names no secret unless it gives back what it was sent; a whole body may have one.
        let said = ["message", "msg", "error_description", "error"].iter().find_map(|name| body.get(name)?.as_str());
        let said = said.map(|said| format!(": {}", Secret::hidden(&response.shown(said), &kept.secrets())));
        let said = said.unwrap_or_default();
        return Err(format!("{} came, and should be {}{said}", response.status(), step.status));
    }
    if let Some(rows) = step.rows {
        let found = body.as_array().map(Vec::len);
        if found != Some(rows) {
            return Err(match found {
                Some(found) => format!("{found} rows came, and should be {rows}"),
                None => "the answer is no list of rows".to_owned(),
            });
        }
    }
    let find = |place: &str| -> Option<Value> {
        match place.split_once(' ') {
            Some(("header", name)) => response.header(name).map(Value::from),
            _ if place == "text" => Some(response.text().into()),
            _ => at(&body, place).cloned(),
        }
    };
    for (place, wanted) in &step.has {
        let wanted = kept.json(wanted)?;
        match find(place) {
            None => return Err(format!("the answer has nothing at `{place}`")),
            // A number may come as text, and the other way round.
            Some(found) if found == wanted || plain(&found) == plain(&wanted) => {}
            Some(_) => return Err(format!("what the answer has at `{place}` is not what it should be")),
        }
    }
    for (name, place) in &step.keep {
        let found = match place {
            Place::At(place) => find(place),
            Place::Digits { at, digits: count } => {
                find(at).and_then(|text| digits(&plain(&text), *count)).map(Value::from)
            }
        };
        let found = found.ok_or_else(|| format!("the answer has nothing to keep as `{name}`"))?;
        kept.keep(name, found);
    }
    Ok(())
}

/// Who asks, with the token where she has signed in.
pub type Signed = (Asker, Option<Secret>);

/// Reads one row of every relation as each who asks, over HTTP: whether it is answered or refused as its rights say.
///
/// # Errors
/// Where the address does not answer.
pub fn reads(
    door: &Door,
    surface: &Surface<'_>,
    (askers, is_wanted): (&[Signed], IsWanted<'_>),
    report: &mut Report,
) -> Result<(), Error> {
    for (asker, token) in askers {
        for relation in surface.api.relations() {
            if !surface.shows(&relation.name.schema) || !is_wanted(&relation.name.name) {
                continue;
            }
            let select = surface.readable(&asker.role, relation);
            let wish = match select {
                Some(_) => Wish::Reached,
                None => Wish::Access { outcome: Expected::Denied, total: None },
            };
            let request = page(asker, relation, &select.unwrap_or(Select::All), 1);
            let reply = read(door, &request, token.as_ref())?;
            let exchange = Exchange {
                entity: relation.name.name.to_string(),
                kind: Kind::Rows,
                lines: vec![format!("as {}", asker.role)],
                rules: Vec::new(),
                request,
                wish,
            };
            report.add(exchange, reply);
        }
    }
    Ok(())
}

fn read(door: &Door, request: &Request, token: Option<&Secret>) -> Result<Reply, Error> {
    let line = request.line();
    let path = line.split_once(' ').map_or("", |(_, path)| path);
    let url = format!("{}/rest/v1{path}", door.url.trim_end_matches('/'));
    let mut sent = specc_http::Request::new(specc_http::Method::Get, url)
        .header("accept", "application/json")
        .header("accept-profile", &request.schema)
        .secret_header("apikey", &door.key)
        .bearer(token.unwrap_or(&door.key));
    if !request.prefer.is_empty() {
        sent = sent.header("prefer", &request.prefer.join(","));
    }
    let response = door.client.send(&sent)?;
    let body = response.json().unwrap_or(Value::Null);
    let secrets = [door.key.clone(), token.unwrap_or(&door.key).clone()];
    let text = |name: &str| Secret::hidden(body.get(name).and_then(Value::as_str).unwrap_or_default(), &secrets);
    let got = match body.as_array() {
        Some(rows) if response.is_success() => Got::Rows(rows.len() as u64),
        _ => without_values(Got::Error(text("code"), "-".to_owned(), text("message"))),
    };
    let micros = u64::try_from(response.took().as_micros()).unwrap_or(u64::MAX);
    Ok(Reply { status: response.status(), got, total: None, micros, of_body: false, body: String::new() })
}
