//! Literals of types that few tables have: bits, addresses of devices, money, places of a log, figures.

/// What is wrong in the words of the author, where the text cannot be read; types that are not known here take any text.
pub(super) fn rare(text: &str, name: &str) -> Result<(), String> {
    let (good, help) = match name {
        "bit" | "varbit" => (bits(text), "bits are written `'0101'`, or `'x1f'` in hexadecimal digits"),
        "macaddr" => (device(text, &[12]), "an address is written `'08:00:2b:01:02:03'`"),
        "macaddr8" => (device(text, &[12, 16]), "an address is written `'08:00:2b:01:02:03:04:05'`"),
        // The sign of the currency is one of the server's.
        "money" => (text.contains(|c: char| c.is_ascii_digit()), "an amount is written `'12.34'`"),
        "pg_lsn" => (place_of_log(text), "a place of the log is written `'16/B374D848'`"),
        "oid" | "xid" | "cid" | "xid8" => (number(text), "write a number, such as `0`"),
        "oidvector" | "int2vector" => (text.split_whitespace().all(number), "numbers stand between spaces: `'1 2'`"),
        "regprocedure" | "regoperator" => {
            let named = text.contains('(') && text.ends_with(')') || text == "-" || number(text);
            (named, "it is named with the types that it takes: `'lower(text)'`")
        }
        "regrole" | "regnamespace" => {
            (text.starts_with('"') || !text.contains('.'), "it is in no schema: write its name alone")
        }
        "tid" => (place_of_row(text), "a place of a row is written `'(0,1)'`"),
        "pg_snapshot" | "txid_snapshot" => (snapshot(text), "a snapshot is written `'10:20:10,14'`"),
        "point" => (figure(text, "(", &|n| n.len() == 2), "a point is written `'(x,y)'`"),
        "box" => (figure(text, "(", &|n| n.len() == 4), "a box is written `'(x1,y1),(x2,y2)'`"),
        "lseg" => (figure(text, "[(", &|n| n.len() == 4), "a segment is written `'[(x1,y1),(x2,y2)]'`"),
        "path" => {
            let good = |n: &[f64]| !n.is_empty() && n.len().is_multiple_of(2);
            (figure(text, "[(", &good), "a path is written `'[(x1,y1),…]'`, and a closed one `'((x1,y1),…)'`")
        }
        "polygon" => {
            let good = |n: &[f64]| !n.is_empty() && n.len().is_multiple_of(2);
            (figure(text, "(", &good), "a polygon is written `'((x1,y1),…)'`")
        }
        "circle" => {
            let good = |n: &[f64]| n.len() == 3 && n[2] >= 0.0;
            (figure(text, "<(", &good), "a circle is written `'<(x,y),r>'`, and `r` is not below zero")
        }
        "line" => {
            let equation = |n: &[f64]| n.len() == 3 && (n[0] != 0.0 || n[1] != 0.0);
            let points = |n: &[f64]| n.len() == 4 && n[..2] != n[2..];
            let good = if text.starts_with('{') { figure(text, "{", &equation) } else { figure(text, "[(", &points) };
            (good, "a line is written `'{a,b,c}'`, for `ax + by + c = 0`, or as two points that differ")
        }
        _ => return Ok(()),
    };
    if good { Ok(()) } else { Err(help.to_owned()) }
}

fn bits(text: &str) -> bool {
    match text.strip_prefix(['x', 'X']) {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => text.strip_prefix(['b', 'B']).unwrap_or(text).bytes().all(|b| matches!(b, b'0' | b'1')),
    }
}

/// The address of a device: so many hexadecimal digits, in groups.
fn device(text: &str, digits: &[usize]) -> bool {
    let groups: Vec<&str> = text.split([':', '-', '.']).collect();
    // A byte of six or eight may have one digit.
    let short = groups.len() == 6 && digits[0] == 12;
    let count: usize = groups.iter().map(|group| if short && group.len() == 1 { 2 } else { group.len() }).sum();
    let hex = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_hexdigit());
    groups.iter().all(hex) && digits.contains(&count)
}

fn place_of_log(text: &str) -> bool {
    let half = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once('/').is_some_and(|(high, low)| half(high) && half(low))
}

fn number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    match hex {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
    }
}

fn place_of_row(text: &str) -> bool {
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = inner.and_then(|inner| inner.split_once(','));
    let within = |part: &str, most: u32| part.trim().parse::<u32>().is_ok_and(|n| n <= most);
    parts.is_some_and(|(block, row)| within(block, u32::MAX) && within(row, 65_535))
}

fn snapshot(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [low, high, list] = parts[..] else { return false };
    number(low) && number(high) && (list.is_empty() || list.split(',').all(number))
}

/// Whether a figure is its numbers, with commas between them and brackets of these kinds around.
fn figure(text: &str, opens: &str, good: &dyn Fn(&[f64]) -> bool) -> bool {
    let mut open = Vec::new();
    let mut numbers = Vec::new();
    let mut word = String::new();
    // A comma has to stand between two numbers.
    let mut comma = true;
    for c in text.chars().chain([',']) {
        if !matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',') {
            word.push(c);
            continue;
        }
        let read = std::mem::take(&mut word);
        if !read.trim().is_empty() {
            match read.trim().parse::<f64>() {
                Ok(number) if comma => numbers.push(number),
                _ => return false,
            }
            comma = false;
        }
        match c {
            ',' if comma => return false,
            ',' => comma = true,
            '(' | '[' | '{' | '<' if opens.contains(c) && comma => open.push(c),
            ')' if open.pop() == Some('(') && !comma => {}
            ']' if open.pop() == Some('[') && !comma => {}
            '}' if open.pop() == Some('{') && !comma => {}
            '>' if open.pop() == Some('<') && !comma => {}
            _ => return false,
        }
    }
    open.is_empty() && good(&numbers)
}
