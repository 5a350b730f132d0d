//! Sending, and sending again.

use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

use crate::request::Request;
use crate::response::Response;
use crate::{Error, target};

/// How a [`Client`] sends.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long one try may take, to the last byte of the answer.
    pub timeout: Duration,
    /// How many bytes of an answer are read.
    pub limit: u64,
    /// How often a request is sent again.
    pub retries: u32,
    /// How long is waited before the second try, where the server does not say it; each next one waits twice as long.
    pub first_wait: Duration,
    /// The longest wait. A server that asks for more is not asked again.
    pub longest_wait: Duration,
    /// Who else vouches for servers, beside those whom the machine trusts: certificates in DER.
    pub roots: Vec<Vec<u8>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            limit: 8 << 20,
            retries: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            roots: Vec::new(),
        }
    }
}

/// Sends requests, over connections that it keeps.
pub struct Client {
    options: Options,
    /// For this machine: without a proxy, and without reading who is trusted.
    local: OnceLock<Agent>,
    remote: OnceLock<Agent>,
}

impl Client {
    /// A client; it connects when something is sent.
    pub fn new(options: Options) -> Self {
        Self { options, local: OnceLock::new(), remote: OnceLock::new() }
    }

    /// Sends a request and gives the answer, whatever its status. Where the server has no time (429, with what `Retry-After`
    /// says), and, for what may be done twice, where it failed (5xx) or nothing came, the request is sent again.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        let mut wait = self.options.first_wait;
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.once(request, tries);
            let asked = match &outcome {
                Ok(response) if response.status == 429 => response.header("retry-after").and_then(delay),
                Ok(response) if response.status >= 500 && request.repeatable => {
                    response.header("retry-after").and_then(delay)
                }
                Err(Error::Unreachable { .. } | Error::Timeout { .. } | Error::Broken { .. }) if request.repeatable => {
                    None
                }
                _ => return outcome,
            };
            let pause = asked.unwrap_or(wait);
            if tries > self.options.retries || pause > self.options.longest_wait {
                return outcome;
            }
            std::thread::sleep(pause);
            wait = (wait * 2).min(self.options.longest_wait);
        }
    }

    fn once(&self, request: &Request, tries: u32) -> Result<Response, Error> {
        let to = format!("{} {}", request.method.as_str(), target::shown(&request.url));
        let target = target::of(&request.url)?;
        let agent = if target.local {
            self.local.get_or_init(|| self.agent(true))
        } else {
            self.remote.get_or_init(|| self.agent(false))
        };
        let mut built = ureq::http::Request::builder().method(request.method.as_str()).uri(target.uri);
        for (name, value, _) in &request.headers {
            built = built.header(name, value);
        }
        let unwritable = |error: ureq::http::Error| Error::Request { to: to.clone(), why: error.to_string() };
        let began = Instant::now();
        let sent = match &request.body {
            Some(body) => agent.run(built.body(body.as_slice()).map_err(unwritable)?),
            None => agent.run(built.body(()).map_err(unwritable)?),
        };
        let mut response = sent.map_err(|error| self.failure(&to, error))?;
        let headers = response.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        let mut body = Vec::new();
        let read = response.body_mut().as_reader().take(self.options.limit + 1).read_to_end(&mut body);
        if body.len() as u64 > self.options.limit {
            return Err(Error::TooLong { to, limit: self.options.limit });
        }
        if let Err(error) = read {
            return Err(match error.kind() {
                std::io::ErrorKind::TimedOut => Error::Timeout { to, after: self.options.timeout },
                _ => Error::Broken { to, why: error.to_string() },
            });
        }
        let status = response.status().as_u16();
        let secrets = request.secrets();
        Ok(Response { status, headers, body, took: began.elapsed(), tries, from: to, secrets })
    }

    fn failure(&self, to: &str, error: ureq::Error) -> Error {
        let to = to.to_owned();
        let after = self.options.timeout;
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Error::Unreachable { to, why: "the connection takes too long".to_owned() }
            }
            ureq::Error::Timeout(_) => Error::Timeout { to, after },
            ureq::Error::HostNotFound => Error::Unreachable { to, why: "the name of the host is not known".to_owned() },
            ureq::Error::ConnectionFailed => Error::Unreachable { to, why: "no connection".to_owned() },
            ureq::Error::Io(error) => match error.kind() {
                std::io::ErrorKind::TimedOut => Error::Timeout { to, after },
                std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::InvalidData => {
                    Error::Unreachable { to, why: error.to_string() }
                }
                _ => Error::Broken { to, why: error.to_string() },
            },
            ureq::Error::Rustls(error) => Error::Unreachable { to, why: error.to_string() },
            ureq::Error::Tls(why) => Error::Unreachable { to, why: why.to_owned() },
            ureq::Error::Http(error) => Error::Request { to, why: error.to_string() },
            other => Error::Broken { to, why: other.to_string() },
        }
    }

    fn agent(&self, local: bool) -> Agent {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("specc/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(self.options.timeout))
            .timeout_connect(Some(self.options.timeout.min(Duration::from_secs(10))))
            .tls_config(self.tls(local));
        if local {
            config = config.proxy(None);
        }
        config.build().new_agent()
    }

    fn tls(&self, local: bool) -> TlsConfig {
        let machine = if local { Vec::new() } else { rustls_native_certs::load_native_certs().certs };
        let trusted =
            machine.iter().map(|certificate| certificate.as_ref()).chain(self.options.roots.iter().map(Vec::as_slice));
        let trusted: Vec<_> = trusted.map(|der| Certificate::from_der(der).to_owned()).collect();
        TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(trusted)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build()
    }
}

/// How long `Retry-After` asks to wait: seconds, or until a date.
fn delay(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_zoned(value.trim()).ok()?.timestamp();
    let left = until.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(left).unwrap_or_default())
}
