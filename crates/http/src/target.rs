//! Where a request goes.

use ureq::http::Uri;

use crate::Error;

/// An address that may be asked.
pub(crate) struct Target {
    pub uri: Uri,
    /// It is this machine: nothing travels, and no proxy is asked.
    pub local: bool,
}

pub(crate) fn of(url: &str) -> Result<Target, Error> {
    let uri: Uri = url.parse().map_err(|_| Error::Address(shown(url)))?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| Error::Address(shown(url)))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if local => {}
        Some("http") => return Err(Error::Plain(shown(url))),
        _ => return Err(Error::Address(shown(url))),
    }
    Ok(Target { uri, local })
}

/// An address without what may be secret: a user, a query, a fragment.
pub(crate) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
