//! Scratch.
use specc_postgres::{load_sql, shared};

#[test]
#[ignore]
fn scratch_sql() {
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        let text = std::fs::read_to_string("/tmp/w/scratch.sql").expect("text");
        for (n, part) in text.split("\n--\n").enumerate() {
            if part.trim_start().starts_with("select") {
                match session.query(part, &[]) {
                    Ok(rows) => {
                        for row in rows {
                            println!("{major} {n}: {}", row.get::<_, Option<String>>(0).unwrap_or_default());
                        }
                    }
                    Err(error) => println!(
                        "{major} {n}: {part}\n   ERROR {:?}",
                        error.as_db_error().map(|e| e.message().to_owned())
                    ),
                }
                continue;
            }
            match load_sql(&mut session, part) {
                Ok(_) => {}
                Err(error) => println!("{major} {n}: {part}\n   ERROR {error}"),
            }
        }
    }
}
