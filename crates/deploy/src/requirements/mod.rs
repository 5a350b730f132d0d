//! The questions that a project answers before there is one, in a file of Markdown, and what of the answers a spec does not meet.
//!
//! An answer is a line that begins with `-` under a heading that is a question. What an answer says is read by its form, which
//! the question shows; one that cannot be read is a finding, since nobody could check it.

mod answers;
mod check;

pub use check::{Checked, check};

/// A question: its heading, what it asks, the form of an answer, and an example.
pub(crate) struct Question {
    pub(crate) title: &'static str,
    asks: &'static str,
    pub(crate) form: &'static str,
    examples: &'static [&'static str],
}

pub(crate) const QUESTIONS: [Question; 5] = [
    Question {
        title: "Entities",
        asks: "What is kept? One line for each sort of thing, with what is known of one.",
        form: "NAME: COLUMN, COLUMN",
        examples: &["products: name, price", "orders: product_id, placed_at"],
    },
    Question {
        title: "Roles",
        asks: "Who does what? One line for each role of the database, with what it reads, adds, changes and deletes. Without \
               `own` (its own rows) or `some` (those that a condition lets through) every row is meant.",
        form: "ROLE: reads|adds|changes|deletes [own|some] ENTITY, …",
        examples: &["anon: reads products", "authenticated: reads own orders, adds own orders"],
    },
    Question {
        title: "Security",
        asks: "What must never be otherwise? Which entities are closed to whom, which columns are of a person or secret, what is kept \
               how long.",
        form: "ENTITY: closed to ROLE | ENTITY.COLUMN: pii|secret | ENTITY: kept INTERVAL",
        examples: &["orders: closed to anon", "customers.email: pii", "sessions: kept 90 days"],
    },
    Question {
        title: "Scale",
        asks: "How much will there be, and by what is it looked for? One line for each entity that grows, and one for each frequent \
               question.",
        form: "ENTITY: N rows | ENTITY: found by COLUMN, COLUMN",
        examples: &["orders: 5000000 rows", "orders: found by customer_id, placed_at"],
    },
    Question {
        title: "Integrations",
        asks: "What is around it? Tables that clients watch, buckets, what is searched, what is called when rows change, jobs.",
        form: "realtime|search|webhook: ENTITY | storage: BUCKET | schedule: NAME | extension: NAME",
        examples: &["realtime: orders", "storage: avatars", "search: products"],
    },
];

/// The file with the questions.
pub fn questions(project: &str) -> String {
    let mut out = format!(
        "# Requirements of {project}\n\nAnswer in lines that begin with `-`, in the form that each question shows, and delete nothing else. \
         Then run the same command again: it says which answers the spec does not meet. \"None\" is an answer: `- none`.\n"
    );
    for question in &QUESTIONS {
        let examples: Vec<String> = question.examples.iter().map(|example| format!("`- {example}`")).collect();
        out += &format!(
            "\n## {}\n\n{}\n\nForm: `- {}`\n\nFor example: {}\n\n",
            question.title,
            question.asks,
            question.form,
            examples.join(", ")
        );
    }
    out
}
