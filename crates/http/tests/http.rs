//! Requests to servers of this process: what they see, and what comes of what they answer. Takes 3 s.

#![allow(clippy::disallowed_methods)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use specc_http::{Client, Error, Method, Options, Request, Secret};

const TOKEN: &str = "sbp_0123456789";

/// Reads one request: its head, and as many bytes as it says.
fn read(stream: &mut impl Read) -> Option<String> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A server that does one thing with each connection, in this order, and then with no other; and what it was asked.
fn server(acts: Vec<Box<dyn FnOnce(TcpStream) + Send>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for act in acts {
            let (stream, _) = listener.accept().expect("a connection");
            act(stream);
        }
    });
    url
}

/// A server that gives these answers, and what it was asked.
fn answering(answers: Vec<String>) -> (String, Receiver<String>) {
    let (sender, asked) = channel();
    let acts = answers.into_iter().map(|answer| {
        let sender = sender.clone();
        Box::new(move |mut stream: TcpStream| {
            let request = read(&mut stream).expect("a request");
            sender.send(request).expect("a test that looks");
            stream.write_all(answer.as_bytes()).expect("an answer");
        }) as Box<dyn FnOnce(TcpStream) + Send>
    });
    (server(acts.collect()), asked)
}

fn quick() -> Options {
    Options {
        timeout: Duration::from_millis(400),
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_secs(2),
        ..Options::default()
    }
}

#[test]
fn what_is_sent_is_what_arrives() {
    let (url, asked) = answering(vec![answer("201 Created", "X-Kind: new\r\n", r#"{"ref":"abc"}"#)]);
    let body = serde_json::json!({"name": "shop", "password": "señor"});
    let request = Request::new(Method::Post, format!("{url}/v1/projects?x=1")).bearer(&Secret::new(TOKEN)).json(&body);
    let response = Client::new(quick()).send(&request).expect("an answer");
    assert_eq!((response.status(), response.header("x-kind"), response.tries()), (201, Some("new"), 1));
    assert_eq!(response.json().expect("JSON")["ref"], "abc");
    let asked = asked.recv().expect("a request");
    assert!(asked.starts_with("POST /v1/projects?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{asked}");
    assert!(asked.contains("content-type: application/json\r\n"), "{asked}");
    assert!(asked.ends_with(&format!("\r\n\r\n{body}")), "{asked}");
}

#[test]
fn nothing_secret_is_shown() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let secret = Secret::new(TOKEN);
    let url = format!("http://admin:{TOKEN}@{closed}/v1?apikey={TOKEN}#{TOKEN}");
    let request = Request::new(Method::Post, &url)
        .bearer(&secret)
        .header("x-kind", "plain")
        .json(&serde_json::json!({"db_pass": TOKEN}));
    let shown = format!("{request:?} {secret:?}");
    assert!(shown.contains("plain") && shown.contains(&format!("http://{closed}/v1\"")), "{shown}");
    let error = Client::new(quick()).send(&request).expect_err("nobody is there");
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(!error.may_be_done());
    let plain =
        Client::new(quick()).send(&Request::new(Method::Get, format!("http://a:{TOKEN}@example.com/?k={TOKEN}")));
    let plain = plain.expect_err("nothing is sent in the clear");
    assert!(matches!(&plain, Error::Plain(url) if url == "http://example.com/"), "{plain:?}");
    let (url, _asked) = answering(vec![answer("200 OK", &format!("x-key: {TOKEN}\r\n"), TOKEN)]);
    let response = Client::new(quick()).send(&Request::new(Method::Get, url)).expect("an answer");
    for text in [shown, format!("{error} {error:?}"), format!("{plain} {plain:?}"), format!("{response:?}")] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[test]
fn a_server_without_time_is_asked_again_when_it_says() {
    let busy = answer("429 Too Many Requests", "Retry-After: 1\r\n", "");
    let (url, _asked) = answering(vec![busy, answer("200 OK", "", "done")]);
    let began = Instant::now();
    let response = Client::new(quick()).send(&Request::new(Method::Post, url)).expect("an answer");
    assert_eq!((response.status(), response.tries(), response.text().as_str()), (200, 2, "done"));
    assert!(began.elapsed() >= Duration::from_secs(1));
    // One that asks for more time than anybody waits is not asked again: whoever called says so.
    let (url, _asked) = answering(vec![answer("429 Too Many Requests", "Retry-After: 3600\r\n", "")]);
    let response = Client::new(quick()).send(&Request::new(Method::Get, url)).expect("an answer");
    assert_eq!((response.status(), response.tries()), (429, 1));
    // A date that is over is no wait at all.
    let past = answer("429 Too Many Requests", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "");
    let (url, _asked) = answering(vec![past, answer("204 No Content", "", "")]);
    assert_eq!(Client::new(quick()).send(&Request::new(Method::Get, url)).expect("an answer").status(), 204);
}

#[test]
fn what_may_be_done_twice_is_sent_again_and_nothing_else() {
    let fails = || answer("503 Service Unavailable", "", "");
    for (method, told, repeated) in [
        (Method::Get, None, true),
        (Method::Delete, None, true),
        (Method::Delete, Some(false), false),
        (Method::Patch, None, false),
        (Method::Post, None, false),
        (Method::Post, Some(true), true),
    ] {
        let (url, _asked) = answering(vec![fails(), fails(), answer("200 OK", "", "")]);
        let request = Request::new(method, url);
        let request = told.map_or(request.clone(), |told| request.repeatable(told));
        let response = Client::new(quick()).send(&request).expect("an answer");
        let expected = if repeated { (200, 3) } else { (503, 1) };
        assert_eq!((response.status(), response.tries()), expected, "{request:?}");
    }
    let (url, _asked) = answering(vec![fails(), fails(), fails()]);
    let client = Client::new(Options { retries: 2, ..quick() });
    let response = client.send(&Request::new(Method::Get, url)).expect("an answer");
    assert_eq!((response.status(), response.tries()), (503, 3), "and in the end it is said");
}

#[test]
fn an_answer_that_does_not_come_is_told_from_one_that_cannot() {
    let silent = || Box::new(|_stream: TcpStream| std::thread::sleep(Duration::from_millis(700))) as Box<_>;
    let url = server(vec![silent()]);
    let error = Client::new(quick()).send(&Request::new(Method::Post, &url)).expect_err("no answer");
    assert!(matches!(error, Error::Timeout { .. }) && error.may_be_done(), "{error:?}");
    assert_eq!(error.to_string(), format!("`POST {url}` has not answered within 400 ms"));

    let half = |mut stream: TcpStream| {
        read(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").expect("half an answer");
    };
    let url = server(vec![Box::new(half)]);
    let error = Client::new(quick()).send(&Request::new(Method::Post, url)).expect_err("half an answer");
    assert!(matches!(error, Error::Broken { .. }) && error.may_be_done(), "{error:?}");

    let gone = |mut stream: TcpStream| drop(read(&mut stream));
    let whole = |mut stream: TcpStream| {
        read(&mut stream);
        stream.write_all(answer("200 OK", "", "").as_bytes()).expect("an answer");
    };
    let url = server(vec![Box::new(gone), Box::new(whole)]);
    assert_eq!(Client::new(quick()).send(&Request::new(Method::Get, url)).expect("an answer").tries(), 2);
}

#[test]
fn an_answer_has_a_bound_and_is_not_followed_elsewhere() {
    let client = Client::new(Options { limit: 10, ..quick() });
    let (url, _asked) = answering(vec![answer("200 OK", "", "0123456789"), answer("200 OK", "", "0123456789x")]);
    assert_eq!(client.send(&Request::new(Method::Get, &url)).expect("an answer").text(), "0123456789");
    let error = client.send(&Request::new(Method::Get, &url)).expect_err("too long");
    assert!(matches!(error, Error::TooLong { limit: 10, .. }), "{error:?}");
    let (url, _asked) = answering(vec![answer("302 Found", "location: http://127.0.0.1:9/\r\n", "")]);
    let response = client.send(&Request::new(Method::Get, url).bearer(&Secret::new(TOKEN))).expect("an answer");
    assert_eq!((response.status(), response.header("location")), (302, Some("http://127.0.0.1:9/")));
    let (url, _asked) = answering(vec![answer("200 OK", "", "<html>")]);
    let response = client.send(&Request::new(Method::Get, &url)).expect("an answer");
    assert_eq!(
        response.json().expect_err("no JSON").to_string(),
        format!("`GET {url}` answered with status 200 and a body that is no JSON")
    );
}

#[test]
fn what_is_no_address_is_refused() {
    let client = Client::new(quick());
    for url in
        ["", "db.example.com", "ftp://localhost/", "https://", "/v1", "http://10.0.0.1/", "http://127.0.0.1.nip.io/"]
    {
        let error = client.send(&Request::new(Method::Get, url)).expect_err(url);
        assert!(matches!(error, Error::Address(_) | Error::Plain(_)), "{url}: {error:?}");
    }
    let error =
        client.send(&Request::new(Method::Get, "http://localhost:1/").header("x", "a\nb")).expect_err("a header");
    assert!(matches!(error, Error::Request { .. }), "{error:?}");
}

/// A server that nobody vouches for gets no request, not even its first byte.
#[test]
fn a_server_is_trusted_by_its_certificate() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let der = issued.cert.der().to_vec();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream.expect("a stream"));
            let Some(request) = read(&mut stream) else { continue };
            sink.lock().expect("a list").push(request);
            stream.write_all(answer("200 OK", "", "private").as_bytes()).expect("an answer");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    let request = Request::new(Method::Get, format!("https://localhost:{port}/")).bearer(&Secret::new(TOKEN));
    let strange = Client::new(Options { retries: 0, ..quick() }).send(&request).expect_err("nobody vouches for it");
    assert!(matches!(strange, Error::Unreachable { .. }), "{strange:?}");
    assert!(asked.lock().expect("a list").is_empty());
    let trusted = Client::new(Options { roots: vec![der], ..quick() }).send(&request).expect("an answer");
    assert_eq!(trusted.text(), "private");
    assert_eq!(asked.lock().expect("a list").len(), 1);
}
