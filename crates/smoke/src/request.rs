//! A request as a client sends it, with the statement that the API makes of it.

use smol_str::SmolStr;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A value that goes with a prepared statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    /// Text whose type the statement decides, as a filter in an address is.
    Text(String),
    /// The body.
    Json(String),
}

/// A statement with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// It.
    pub sql: String,
    /// In the order of their numbers.
    pub params: Vec<Param>,
}

impl Prepared {
    pub(crate) fn param(&mut self, param: Param) -> String {
        self.params.push(param);
        format!("${}", self.params.len())
    }
}

/// A page of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows at most.
    pub limit: u64,
    /// How many are passed over.
    pub offset: u64,
    /// Whether all rows are counted as well.
    pub counted: bool,
}

/// What comes back beside the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Rows: of a read, of a function, or of a change whose client asks for them.
    Rows,
    /// Nothing: of a change whose client does not.
    Nothing,
    /// Nothing, since the function gives nothing.
    Void,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// As whom.
    pub role: String,
    /// Names of settings, each with its value after it: who asks, and the claims.
    pub settings: Vec<String>,
    /// What is asked for.
    pub method: Method,
    /// The schema.
    pub schema: SmolStr,
    /// The path below the API's address, without what is behind the question mark.
    pub path: String,
    /// What is behind the question mark: names and values as they are meant.
    pub query: Vec<(String, String)>,
    /// What the client prefers.
    pub prefer: Vec<&'static str>,
    /// The body.
    pub body: Option<String>,
    /// The rows that are asked for.
    pub page: Option<Page>,
    /// What comes back.
    pub gives: Gives,
    /// Whether the transaction may write.
    pub writes: bool,
    /// What the API makes of it.
    pub prepared: Prepared,
}

impl Request {
    /// The first line, as a log has it.
    pub fn line(&self) -> String {
        let query: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method.word(), self.path, query.join("&"))
    }

    /// Its headers, as the API hands them on to the database.
    pub(crate) fn headers(&self) -> serde_json::Value {
        let profile = if self.method == Method::Get { "accept-profile" } else { "content-profile" };
        let mut headers = serde_json::json!({ "accept": "application/json", profile: self.schema.as_str() });
        if !self.prefer.is_empty() {
            headers["prefer"] = self.prefer.join(",").into();
        }
        if self.body.is_some() {
            headers["content-type"] = "application/json".into();
        }
        headers
    }
}

/// Text as it stands in an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'*' | b',' | b'(' | b')' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_letter_that_means_something_there() {
        assert_eq!(encoded("a b&c=d/ü"), "a%20b%26c%3Dd%2F%C3%BC");
        assert_eq!(encoded("id,name(x)"), "id,name(x)");
    }
}
