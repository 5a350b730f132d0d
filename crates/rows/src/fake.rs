//! `fake.*`: made-up texts.

use crate::hash::Stream;
use crate::words::*;
use uuid::Uuid;

/// What a text is made for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Equal seeds give equal texts.
    pub seed: u64,
    /// The row's number, from 1, if it is one of many.
    pub serial: Option<u32>,
    /// How often a text for this place was refused because a row has it already.
    pub attempt: u64,
    /// Characters that fit, as of `varchar(40)`.
    pub room: Option<usize>,
}

/// The text that `fake.kind` stands for; unknown kinds give a word.
pub fn text(kind: &str, wish: Wish) -> String {
    // What a number would break is drawn anew instead.
    let again = if unnumbered(kind) && wish.attempt > 0 { crate::hash::mix(wish.attempt) } else { 0 };
    let s = &mut Stream::new(wish.seed ^ again);
    // Some kinds are meant to tell rows apart, so they have a number from the start.
    let (body, sep, tail, counted) = match kind {
        "address" | "street" => (street(s), " ", String::new(), false),
        "bool" => (["false", "true"][s.below(2) as usize].to_owned(), "", String::new(), false),
        "city" => (s.pick(CITIES).to_owned(), " ", String::new(), false),
        "color" => (s.pick(COLORS).to_owned(), " ", String::new(), false),
        "company" => (format!("{} {}", s.pick(LAST_NAMES), s.pick(COMPANY_ENDS)), " ", String::new(), false),
        "country" => (s.pick(COUNTRIES).to_owned(), " ", String::new(), false),
        "country_code" => (s.pick(CODES).to_owned(), "", String::new(), false),
        "date" => (date(s), "", String::new(), false),
        "timestamp" => (format!("{} {}+00", date(s), time(s)), "", String::new(), false),
        "email" => (user(s), "", "@example.com".to_owned(), true),
        "username" => (user(s).replace('.', "_"), "", String::new(), true),
        "first_name" => (s.pick(FIRST_NAMES).to_owned(), " ", String::new(), false),
        "last_name" => (s.pick(LAST_NAMES).to_owned(), " ", String::new(), false),
        "name" => (format!("{} {}", s.pick(FIRST_NAMES), s.pick(LAST_NAMES)), " ", String::new(), false),
        "int" | "number" => ((s.below(1000) + wish.attempt * 1000).to_string(), "", String::new(), false),
        "ip" => (format!("10.{}.{}.{}", s.below(256), s.below(256), 1 + s.below(254)), "", String::new(), false),
        "job" | "job_title" => (s.pick(JOBS).to_owned(), " ", String::new(), false),
        "json" => {
            return format!("{{\"label\": \"{}\", \"value\": {}}}", s.pick(NOUNS), s.below(100));
        }
        "paragraph" | "lorem" | "text" => {
            let count = 3 + s.below(3);
            ((0..count).map(|_| sentence(s)).collect::<Vec<_>>().join(" "), " ", String::new(), false)
        }
        // Numbers kept free for fiction.
        "phone" => {
            (format!("+1 {}{:02} 555 01{:02}", 2 + s.below(8), s.below(100), s.below(100)), " ", String::new(), false)
        }
        "postcode" | "zip" => (format!("{:05}", 1000 + s.below(98_000)), "", String::new(), false),
        "sentence" => (sentence(s), " ", String::new(), false),
        "slug" => (format!("{}-{}", s.pick(ADJECTIVES), s.pick(NOUNS)), "-", String::new(), true),
        "title" => (title(s), " ", String::new(), false),
        "url" => (format!("https://example.com/{}-{}", s.pick(ADJECTIVES), s.pick(NOUNS)), "-", String::new(), false),
        "uuid" => return uuid_of(s),
        "words" => {
            (format!("{} {} {}", s.pick(ADJECTIVES), s.pick(ADJECTIVES), s.pick(NOUNS)), " ", String::new(), false)
        }
        _ => (s.pick(NOUNS).to_owned(), " ", String::new(), false),
    };
    let number = match (wish.serial, wish.attempt) {
        (Some(serial), 0) if counted => format!("{sep}{serial}"),
        (_, 0) => String::new(),
        (Some(serial), 1) if !counted => format!("{sep}{serial}"),
        (Some(serial), attempt) => format!("{sep}{serial}-{attempt}"),
        (None, attempt) => format!("{sep}{}", attempt + 1),
    };
    let number = if unnumbered(kind) { String::new() } else { number };
    fit(body, &number, &tail, wish.room)
}

/// A text of a kind that no other row has, by the row's number, from 1.
pub fn numbered(kind: &str, seed: u64, serial: u32, room: Option<usize>) -> String {
    // These have a number from the start.
    let has_one = matches!(kind, "email" | "username" | "slug");
    text(kind, Wish { seed, serial: Some(serial), attempt: u64::from(!has_one), room })
}

/// Whether a text of this kind may have a number in it, that tells it from others.
pub fn has_number(kind: &str) -> bool {
    !unnumbered(kind)
}

/// Kinds whose text would be broken by a number at its end.
fn unnumbered(kind: &str) -> bool {
    matches!(
        kind,
        "bool"
            | "country_code"
            | "date"
            | "timestamp"
            | "int"
            | "number"
            | "ip"
            | "json"
            | "phone"
            | "postcode"
            | "uuid"
            | "zip"
    )
}

/// `body number tail` in the room there is; what tells rows apart stays whole.
fn fit(mut body: String, number: &str, tail: &str, room: Option<usize>) -> String {
    if let Some(room) = room {
        let left = room.saturating_sub(number.len() + tail.len());
        if let Some((at, _)) = body.char_indices().nth(left) {
            body.truncate(at);
            body.truncate(body.trim_end().len());
        }
    }
    // A sentence keeps its period at the end.
    match body.strip_suffix('.') {
        Some(rest) if !number.is_empty() => format!("{rest}{number}.{tail}"),
        _ => format!("{body}{number}{tail}"),
    }
}

const CODES: &[&str] = &[
    "AR", "AU", "AT", "BE", "BR", "CA", "CL", "DE", "DK", "ES", "FI", "FR", "GB", "GH", "GR", "IE", "IN", "IT", "JP",
    "KE", "KR", "MX", "NL", "NO", "NZ", "PE", "PL", "PT", "SE", "US",
];

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn user(s: &mut Stream) -> String {
    format!("{}.{}", s.pick(FIRST_NAMES), s.pick(LAST_NAMES)).to_lowercase()
}

fn street(s: &mut Stream) -> String {
    format!("{} {} {}", 1 + s.below(199), capital(s.pick(NOUNS)), s.pick(STREET_ENDS))
}

fn title(s: &mut Stream) -> String {
    match s.below(3) {
        0 => format!("The {} {}", capital(s.pick(ADJECTIVES)), capital(s.pick(NOUNS))),
        1 => format!("{} and {}", capital(s.pick(NOUNS)), capital(s.pick(NOUNS))),
        _ => format!("{} {} {}", capital(s.pick(ADJECTIVES)), capital(s.pick(NOUNS)), capital(s.pick(NOUNS))),
    }
}

fn sentence(s: &mut Stream) -> String {
    let (a, b, verb) = (s.pick(NOUNS), s.pick(NOUNS), s.pick(VERBS));
    match s.below(3) {
        0 => format!("The {} {a} {verb} the {b}.", s.pick(ADJECTIVES)),
        1 => format!("Every {a} {verb} a {} {b}.", s.pick(&ADJECTIVES[1..])),
        _ => format!("The {a} by the {} {verb} the {} {b}.", s.pick(NOUNS), s.pick(ADJECTIVES)),
    }
}

fn date(s: &mut Stream) -> String {
    format!("{}-{:02}-{:02}", 2020 + s.below(6), 1 + s.below(12), 1 + s.below(28))
}

fn time(s: &mut Stream) -> String {
    format!("{:02}:{:02}:{:02}", s.below(24), s.below(60), s.below(60))
}

fn uuid_of(s: &mut Stream) -> String {
    let bits = (u128::from(s.draw()) << 64) | u128::from(s.draw());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}

/// The key of the row at `path`: the same in every project and on every run.
pub fn key(path: &str) -> Uuid {
    Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_URL, b"specc:seed"), path.as_bytes())
}
