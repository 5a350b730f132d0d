//! What values a column takes: a function of a number for each column.

use crate::draw::{share, stir};
use crate::fake::{self, Wish};
use crate::pattern::Pattern;
use crate::value::{DAY, Value, clock, moment};
use smol_str::SmolStr;
use specc_analysis::checks::Comparison;
use specc_catalog::{Catalog, DataType, Domain as DomainObject, IdRef, Kind, Object};
use specc_facts::Family;

/// Where times end that nothing else says of: nothing depends on the day on which rows are made.
const LAST_DAY: i64 = 20_454;
/// How many days they go back.
const DAYS: i64 = 730;

/// What sort of values.
#[derive(Clone, Debug)]
pub(crate) enum Sort {
    Integer,
    Decimal(u32),
    Float,
    Boolean,
    Text,
    Date,
    Timestamp,
    Timestamptz,
    Time,
    Interval,
    Uuid,
    Enum(Vec<SmolStr>),
    /// One written value, whatever the number.
    Fixed(String),
    /// A text made of the number.
    Made(fn(u64, &DataType) -> String),
}

/// The values of a column.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub sort: Sort,
    pub ty: DataType,
    /// What its text is about.
    pub about: String,
    /// The least and the most, in the unit of its sort.
    pub low: Option<i64>,
    pub high: Option<i64>,
    /// The least that something asks for.
    floor: Option<i64>,
    /// Characters of a text.
    pub short: u64,
    pub long: Option<u64>,
    /// The only values.
    pub list: Option<Vec<Value>>,
    pub pattern: Option<Pattern>,
}

/// The type below the domains, the checks of those, and whether all of them take null.
pub(crate) fn below(catalog: &Catalog, ty: &DataType) -> (DataType, Vec<String>, bool) {
    let (mut ty, mut checks, mut nullable) = (ty.clone(), Vec::new(), true);
    for _ in 0..32 {
        let Some(domain) = domain(catalog, &ty) else { break };
        checks.extend(domain.checks.iter().map(|(_, check)| check.text.to_string()));
        ty = domain.base.clone();
        nullable &= domain.nullable;
    }
    (ty, checks, nullable)
}

fn domain<'c>(catalog: &'c Catalog, ty: &DataType) -> Option<&'c DomainObject> {
    match object(catalog, Kind::Domain, ty)? {
        Object::Domain(domain) => Some(domain),
        _ => None,
    }
}

fn object<'c>(catalog: &'c Catalog, kind: Kind, ty: &DataType) -> Option<&'c Object> {
    let at = catalog.find(IdRef::new(kind, &ty.schema, &ty.name))?;
    catalog.at(at).map(|(_, entry)| &entry.object)
}

impl Domain {
    /// That of a column of a type that is no domain; none where nothing is known of the type.
    pub fn of(catalog: &Catalog, ty: &DataType, name: &str) -> Option<Self> {
        let sort = sort(catalog, ty)?;
        let (low, high) = match ty.name.as_str() {
            "smallint" => (Some(1), Some(i64::from(i16::MAX))),
            "int" => (Some(1), Some(i64::from(i32::MAX))),
            _ => (None, None),
        };
        let mut domain = Self {
            sort,
            ty: ty.clone(),
            about: about(name).to_owned(),
            low,
            high,
            floor: None,
            short: 0,
            long: None,
            list: None,
            pattern: None,
        };
        match (&domain.sort, ty.args.as_slice()) {
            // One character, where nothing says how many.
            (Sort::Text, []) if ty.name == "char" => domain.long = Some(1),
            (Sort::Text, [length]) => domain.long = u64::try_from(*length).ok(),
            (Sort::Decimal(_), [precision, ..]) => {
                let digits = u32::try_from(*precision).unwrap_or(18).min(18);
                domain.high = Some(10_i64.pow(digits) - 1);
            }
            _ => {}
        }
        Some(domain)
    }

    /// The labels of its type.
    pub fn labels(&self) -> &[SmolStr] {
        match &self.sort {
            Sort::Enum(labels) => labels,
            _ => &[],
        }
    }

    /// How many different values there are for numbers from 0 on; none: as many as there are numbers.
    pub fn values(&self) -> Option<u64> {
        if let Some(list) = &self.list {
            return Some(list.len() as u64);
        }
        if let Some(pattern) = &self.pattern {
            return Some(pattern.texts()).filter(|texts| *texts < 1 << 60);
        }
        match &self.sort {
            Sort::Boolean => Some(2),
            Sort::Enum(labels) => Some(labels.len() as u64),
            Sort::Fixed(_) => Some(1),
            Sort::Text => self.long.filter(|long| *long < 12).map(|long| 36_u64.saturating_pow(long as u32)),
            Sort::Integer | Sort::Decimal(_) | Sort::Date | Sort::Timestamp | Sort::Timestamptz => {
                let low = self.low.unwrap_or(1);
                self.high.map(|high| u64::try_from(high.saturating_sub(low)).map_or(0, |n| n.saturating_add(1)))
            }
            Sort::Time => Some(86_400),
            _ => None,
        }
    }

    /// The value of a number: another one for each, below [`Self::values`].
    pub fn distinct(&self, number: u64) -> Value {
        if let Some(list) = &self.list {
            return list.get(number as usize % list.len().max(1)).cloned().unwrap_or(Value::Null);
        }
        let at = i64::try_from(number).unwrap_or(i64::MAX);
        let above = |low: i64| low.saturating_add(at);
        match &self.sort {
            Sort::Integer => Value::Integer(above(self.low.unwrap_or(1))),
            Sort::Decimal(scale) => Value::Decimal(above(self.low.unwrap_or(1)), *scale),
            Sort::Float => Value::Float(above(self.low.unwrap_or(1)) as f64),
            Sort::Boolean => Value::Boolean(number % 2 == 1),
            Sort::Text => Value::Text(match &self.pattern {
                Some(pattern) => pattern.text(number),
                None => self.numbered(number),
            }),
            Sort::Date => Value::Date(above(self.low.unwrap_or(LAST_DAY - DAYS))),
            Sort::Timestamp | Sort::Timestamptz => {
                let start = self.low.unwrap_or((LAST_DAY - DAYS) * DAY);
                let step = if self.high.is_some() { 1 } else { 60_000_000 };
                self.moment(start.saturating_add(at.saturating_mul(step)))
            }
            Sort::Time => Value::Time(at % 86_400 * 1_000_000),
            Sort::Interval => Value::Text(format!("{number} seconds")),
            Sort::Uuid => {
                let bits = u128::from(stir(&[number, 1])) << 64 | u128::from(stir(&[number, 2]));
                // Of version 4, as a random one is.
                Value::Uuid(bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
            }
            Sort::Enum(labels) => Value::Label(number as usize % labels.len().max(1)),
            Sort::Fixed(text) => Value::Text(text.clone()),
            Sort::Made(make) => Value::Text(make(number, &self.ty)),
        }
    }

    /// A likely value; equal seeds give equal ones. `late` is how far the row is from the first to the last, where the column
    /// grows with the rows.
    pub fn likely(&self, seed: u64, late: Option<f64>) -> Value {
        let portion = share(stir(&[seed, 3]));
        let within = |low: i64, high: i64| {
            low.saturating_add((portion * (high.saturating_sub(low) as f64 + 1.0)) as i64).min(high)
        };
        let span = |usual: (i64, i64)| match (self.low, self.high) {
            (Some(low), Some(high)) if high.saturating_sub(low) <= 1_000_000 => (low, high),
            (Some(low), high) => (low, high.unwrap_or(i64::MAX).min(low.saturating_add(usual.1))),
            (None, Some(high)) => (high.min(usual.0), high.min(usual.1)),
            (None, None) => usual,
        };
        if let Some(list) = &self.list {
            return list.get((seed % list.len().max(1) as u64) as usize).cloned().unwrap_or(Value::Null);
        }
        let moment = |unit: i64| {
            let low = self.low.unwrap_or((LAST_DAY - DAYS) * unit);
            let high = self.high.unwrap_or(i64::MAX).min(low.saturating_add(DAYS * unit));
            match late {
                Some(late) => low + ((high - low) as f64 * late) as i64,
                None => within(low, high),
            }
        };
        match &self.sort {
            Sort::Integer => {
                let (low, high) = span((1, 1000));
                Value::Integer(within(low, high))
            }
            Sort::Decimal(scale) => {
                let (low, high) = span((0, 10_i64.pow(*scale).saturating_mul(1000)));
                Value::Decimal(within(low, high), *scale)
            }
            Sort::Float => {
                let (low, high) = (self.low.unwrap_or(0) as f64, self.high.map_or(1000.0, |high| high as f64));
                Value::Float(((low + portion * (high - low)) * 100.0).round() / 100.0)
            }
            Sort::Boolean => Value::Boolean(seed % 2 == 1),
            Sort::Text => Value::Text(match &self.pattern {
                Some(pattern) => pattern.text(seed % pattern.texts().max(1)),
                None => {
                    self.fitting(fake::text(&self.about, Wish { seed, serial: None, attempt: 0, room: self.room() }))
                }
            }),
            Sort::Date => Value::Date(moment(1)),
            Sort::Timestamp | Sort::Timestamptz => self.moment(moment(DAY)),
            Sort::Time => Value::Time(within(0, 86_399) * 1_000_000),
            Sort::Interval => Value::Text(format!("{} minutes", within(1, 10_000))),
            Sort::Uuid | Sort::Made(_) => self.distinct(seed >> 1),
            Sort::Enum(labels) => Value::Label((seed % labels.len().max(1) as u64) as usize),
            Sort::Fixed(text) => Value::Text(text.clone()),
        }
    }

    /// The least number that something asks for.
    pub fn least_asked(&self) -> Option<i64> {
        self.floor
    }

    /// A value at the end of those that there are: of numbers, the least one, or 0 where nothing is least.
    pub fn edge(&self, seed: u64) -> Value {
        let least = self.floor.unwrap_or((seed % 2) as i64);
        match &self.sort {
            Sort::Integer => Value::Integer(least),
            Sort::Decimal(scale) => Value::Decimal(least, *scale),
            Sort::Float => Value::Float(least as f64),
            _ => self.likely(seed, None),
        }
    }

    fn moment(&self, micros: i64) -> Value {
        match self.sort {
            Sort::Timestamp => Value::Timestamp(micros),
            _ => Value::Timestamptz(micros),
        }
    }

    fn room(&self) -> Option<usize> {
        self.long.and_then(|long| usize::try_from(long).ok())
    }

    /// A text that has a number in it, and so is no other's.
    fn numbered(&self, number: u64) -> String {
        if let Some(long) = self.long.filter(|long| *long < 12) {
            return self.fitting(base36(number, long as usize));
        }
        let kind = if fake::has_number(&self.about) { self.about.as_str() } else { "username" };
        match u32::try_from(number + 1) {
            Ok(serial) => self.fitting(fake::numbered(kind, stir(&[number, 5]), serial, self.room())),
            Err(_) => self.fitting(number.to_string()),
        }
    }

    /// As long as it has to be.
    fn fitting(&self, mut text: String) -> String {
        let count = text.chars().count() as u64;
        if count < self.short {
            let seed = crate::hash::of(&text);
            if let Value::Text(more) = self.of_length(self.short - count, seed) {
                text.push_str(&more);
            }
        }
        text
    }

    /// A written text as a value.
    pub fn read(&self, text: &str) -> Option<Value> {
        let number = || text.parse::<f64>().ok();
        Some(match &self.sort {
            Sort::Integer => Value::Integer(number()?.round() as i64),
            Sort::Decimal(scale) => Value::Decimal((number()? * 10_f64.powi(*scale as i32)).round() as i64, *scale),
            Sort::Float => Value::Float(number()?),
            Sort::Boolean => Value::Boolean(matches!(text, "t" | "true")),
            Sort::Date => Value::Date(moment(text)?.div_euclid(DAY)),
            Sort::Timestamp | Sort::Timestamptz => self.moment(moment(text)?),
            Sort::Time => Value::Time(clock(text)?),
            Sort::Enum(labels) => Value::Label(labels.iter().position(|label| label == text)?),
            Sort::Text | Sort::Fixed(_) | Sort::Uuid | Sort::Interval | Sort::Made(_) => Value::Text(text.to_owned()),
        })
    }

    /// Leaves out values that do not stand so to a constant.
    pub fn narrow(&mut self, comparison: Comparison, bound: &Value) {
        let (at, strict) = match bound {
            Value::Integer(number) | Value::Decimal(number, _) => (*number, 1),
            Value::Date(days) => (*days, 1),
            Value::Timestamp(micros) | Value::Timestamptz(micros) => (*micros, 1),
            Value::Float(number) => (number.round() as i64, 0),
            _ => {
                if comparison == Comparison::Eq {
                    self.list = Some(vec![bound.clone()]);
                }
                return;
            }
        };
        let (low, high) = match comparison {
            Comparison::Eq => (Some(at), Some(at)),
            Comparison::Gt => (Some(at.saturating_add(strict)), None),
            Comparison::GtEq => (Some(at), None),
            Comparison::Lt => (None, Some(at.saturating_sub(strict))),
            Comparison::LtEq => (None, Some(at)),
            Comparison::NotEq => (None, None),
        };
        // A least of its own is what a number begins with, not what it has to be: zero may be said to be allowed.
        if let Some(low) = low {
            self.low = Some(self.floor.map_or(low, |floor| floor.max(low)));
            self.floor = self.low;
        }
        if let Some(high) = high {
            self.high = Some(self.high.map_or(high, |own| own.min(high)));
        }
    }

    /// Texts match an expression; those that look like something are kept where they all do.
    pub fn matching(&mut self, pattern: &str) {
        let fits = regex::Regex::new(pattern).is_ok_and(|read| {
            (1..40).all(|number| {
                let (drawn, seed) = (self.numbered(number * 997), stir(&[number]));
                let likely = fake::text(&self.about, Wish { seed, serial: None, attempt: 0, room: self.room() });
                read.is_match(&drawn) && read.is_match(&self.fitting(likely))
            })
        });
        if !fits {
            self.pattern = Pattern::read(pattern);
        }
    }

    /// The least of several values, by their order.
    pub fn least(&self, of: &[Value]) -> Option<Value> {
        of.iter().min_by_key(|value| units(value)).cloned()
    }

    /// The most of them.
    pub fn most(&self, of: &[Value]) -> Option<Value> {
        of.iter().max_by_key(|value| units(value)).cloned()
    }

    /// A text of so many characters.
    pub fn of_length(&self, length: u64, seed: u64) -> Value {
        let mut text = String::new();
        let mut at = seed;
        while (text.chars().count() as u64) < length {
            at = stir(&[at]);
            text.push_str(
                &fake::text("words", Wish { seed: at, serial: None, attempt: 0, room: None }).replace(' ', "-"),
            );
        }
        Value::Text(text.chars().take(length as usize).collect())
    }
}

fn units(value: &Value) -> i64 {
    match value {
        Value::Integer(number) | Value::Decimal(number, _) => *number,
        Value::Date(number) | Value::Timestamp(number) | Value::Timestamptz(number) | Value::Time(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Label(at) => *at as i64,
        _ => 0,
    }
}

/// A number in digits and letters, filled up to a length.
fn base36(mut number: u64, length: usize) -> String {
    let mut out = vec![b'0'; length];
    for place in out.iter_mut().rev() {
        *place = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn sort(catalog: &Catalog, ty: &DataType) -> Option<Sort> {
    if ty.dims > 0 {
        return Some(Sort::Fixed("{}".to_owned()));
    }
    if let Some(Object::Enum(found)) = object(catalog, Kind::Enum, ty) {
        return Some(Sort::Enum(found.labels.clone()));
    }
    if let Some(Object::Composite(found)) = object(catalog, Kind::Composite, ty) {
        return Some(Sort::Fixed(format!("({})", ",".repeat(found.fields.len().saturating_sub(1)))));
    }
    let name = ty.name.as_str();
    Some(match specc_facts::family(name) {
        Family::Integer => Sort::Integer,
        Family::Oid if name == "oid" => Sort::Integer,
        Family::Decimal => Sort::Decimal(
            ty.args.get(1).and_then(|scale| u32::try_from(*scale).ok()).unwrap_or(if ty.args.is_empty() {
                2
            } else {
                0
            }),
        ),
        Family::Money => Sort::Decimal(2),
        Family::Float => Sort::Float,
        Family::Boolean => Sort::Boolean,
        Family::Text => Sort::Text,
        Family::Moment => match name {
            "date" => Sort::Date,
            "timestamp" => Sort::Timestamp,
            _ => Sort::Timestamptz,
        },
        Family::Time => Sort::Time,
        Family::Interval => Sort::Interval,
        Family::Uuid => Sort::Uuid,
        Family::Json => Sort::Fixed("{}".to_owned()),
        Family::Bytes => Sort::Made(|number, _| format!("\\x{number:016x}")),
        Family::Bits => Sort::Made(|number, ty| {
            let length = ty.args.first().copied().unwrap_or(1).clamp(1, 64) as usize;
            let bits = format!("{number:064b}");
            bits[64 - length..].to_owned()
        }),
        Family::Network => {
            Sort::Made(|number, _| format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255))
        }
        Family::Search => Sort::Fixed(String::new()),
        Family::Multirange => Sort::Fixed("{}".to_owned()),
        _ => match name {
            "macaddr" => Sort::Made(|number, _| {
                format!("08:00:2b:{:02x}:{:02x}:{:02x}", number >> 16 & 255, number >> 8 & 255, number & 255)
            }),
            "ltree" => Sort::Made(|number, _| format!("top.n{number}")),
            "hstore" => Sort::Fixed(String::new()),
            "xml" => Sort::Fixed("<a/>".to_owned()),
            "point" => Sort::Made(|number, _| format!("({},{})", number % 180, number / 180 % 90)),
            "vector" | "halfvec" => Sort::Made(|number, ty| {
                let parts: Vec<String> = (0..ty.args.first().copied().unwrap_or(3).clamp(1, 16_000) as u64)
                    .map(|at| format!("{:.4}", share(stir(&[number, at])) * 2.0 - 1.0))
                    .collect();
                format!("[{}]", parts.join(","))
            }),
            "int4range" | "int8range" | "numrange" => Sort::Made(|number, _| format!("[{number},{})", number + 1)),
            "daterange" => Sort::Made(|number, _| span(Sort::Date, number, DAY)),
            "tsrange" => Sort::Made(|number, _| span(Sort::Timestamp, number, 60_000_000)),
            "tstzrange" => Sort::Made(|number, _| span(Sort::Timestamptz, number, 60_000_000)),
            _ => return None,
        },
    })
}

/// A range that no other number's meets: in steps of so many microseconds.
fn span(sort: Sort, number: u64, step: i64) -> String {
    let start = (LAST_DAY - DAYS) * DAY;
    let bound = |at: u64| {
        let micros = start.saturating_add(i64::try_from(at).unwrap_or(i64::MAX).saturating_mul(step));
        let value = match sort {
            Sort::Date => Value::Date(micros.div_euclid(DAY)),
            Sort::Timestamp => Value::Timestamp(micros),
            _ => Value::Timestamptz(micros),
        };
        let mut out = Vec::new();
        value.push(&mut out, &[] as &[&str]);
        String::from_utf8_lossy(&out).into_owned()
    };
    format!("[{},{})", bound(number), bound(number + 1))
}

/// What texts of a column of this name are like.
fn about(name: &str) -> &'static str {
    const ABOUT: [(&str, &str); 19] = [
        ("mail", "email"),
        ("username", "username"),
        ("slug", "slug"),
        ("phone", "phone"),
        ("first_name", "first_name"),
        ("last_name", "last_name"),
        ("full_name", "name"),
        ("display_name", "name"),
        ("company", "company"),
        ("city", "city"),
        ("country", "country"),
        ("address", "address"),
        ("url", "url"),
        ("title", "title"),
        ("description", "paragraph"),
        ("body", "paragraph"),
        ("bio", "paragraph"),
        ("content", "paragraph"),
        ("name", "words"),
    ];
    let name = name.to_ascii_lowercase();
    ABOUT.iter().find(|(part, _)| name.contains(part)).map_or("words", |(_, kind)| kind)
}
