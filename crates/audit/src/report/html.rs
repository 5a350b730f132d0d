//! The report as one page of HTML, without a script and without anything from elsewhere.

use super::page::{Bit, Block, Line, page};
use crate::Report;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
    table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}\
    th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top}\
    th{background:#f2f2f2}code{background:#f2f2f2;padding:0 .2rem;overflow-wrap:anywhere}li{margin:.4rem 0}\
    @media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}th,code{background:#262a31}th,td{border-color:#444}}";

/// The report as one page of HTML.
pub fn html(report: &Report) -> String {
    let mut body = String::new();
    for block in page(report) {
        match block {
            Block::Heading(level, text) => {
                let _ = writeln!(body, "<h{level}>{}</h{level}>", escaped(&text));
            }
            Block::Text(line) => {
                let _ = writeln!(body, "<p>{}</p>", written(&line));
            }
            Block::Items(items) => {
                body.push_str("<ul>\n");
                for item in items {
                    let _ = writeln!(body, "<li>{}</li>", written(&item));
                }
                body.push_str("</ul>\n");
            }
            Block::Table(heads, rows) => {
                let heads: String =
                    heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", escaped(head))).collect();
                let _ = writeln!(body, "<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>");
                for row in rows {
                    let cells: String = row.iter().map(|cell| format!("<td>{}</td>", written(cell))).collect();
                    let _ = writeln!(body, "<tr>{cells}</tr>");
                }
                body.push_str("</tbody>\n</table>\n");
            }
        }
    }
    let title = escaped(&specc_diag::one_line(&report.database));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Readiness of {title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn written(line: &Line) -> String {
    line.iter()
        .map(|bit| match bit {
            Bit::Plain(text) => escaped(text),
            Bit::Code(text) => format!("<code>{}</code>", escaped(text)),
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
