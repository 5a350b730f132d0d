//! What texts become in HTML and in addresses.

use std::fmt::Write;

/// For text and for attributes in double quotes.
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML has no way to write these.
            '\0' => out.push('\u{fffd}'),
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// The same as a text of its own.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    escape(text, &mut out);
    out
}

/// A path or an anchor as part of an address: the bytes that mean something there, or that no address has, are numbers.
pub fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~/:".contains(&b) => out.push(char::from(b)),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

/// What [`encode`] was given; what is no number of a byte stays as it is.
pub fn decode(address: &str) -> String {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let [first, tail @ ..] = rest {
        let number = (*first == b'%').then(|| tail.get(..2)).flatten();
        let number = number.filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let number = number.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(number.unwrap_or(*first));
        rest = if number.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn an_address_gives_its_path_back() {
        for path in ["a b/ü?#%.md", "x/y-1.md", "%2", "%zz", "%+1", "100%"] {
            assert_eq!(decode(&encode(path)), path);
        }
        assert_eq!(decode("%"), "%");
    }
}
