//! `specc.toml`.

use serde::Deserialize;
use specc_diag::{Diagnostic, FileId, Span, codes};
use specc_model::{Options, Target};
use std::path::PathBuf;

/// A project's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The project's name, for headers and titles.
    pub name: String,
    /// What the SQL is for.
    #[serde(default)]
    target: ConfigTarget,
    /// Globs, relative to the project folder.
    #[serde(default = "default_specs")]
    pub specs: Vec<String>,
    #[serde(default)]
    schemas: Schemas,
    #[serde(default)]
    postgres: Postgres,
    /// Where things go, relative to the output folder.
    #[serde(default)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConfigTarget {
    #[default]
    Supabase,
    Postgres,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Schemas {
    default: Option<String>,
    helpers: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Postgres {
    viewer_setting: Option<String>,
    claims_setting: Option<String>,
}

/// Folders for what is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    migrations: Option<PathBuf>,
    seeds: Option<PathBuf>,
    docs: Option<PathBuf>,
    state: Option<PathBuf>,
}

fn default_specs() -> Vec<String> {
    vec!["**/*.dbspec".into()]
}

impl Config {
    /// Reads the text of a `specc.toml`.
    ///
    /// # Errors
    /// One diagnostic at the setting that is wrong.
    pub fn parse(file: FileId, text: &str) -> Result<Self, Diagnostic> {
        toml::from_str(text).map_err(|error| {
            let range = error.span().unwrap_or(0..0);
            let (message, help) = in_words(error.message());
            Diagnostic::new(codes::BAD_CONFIG, Span::new(file, range.start, range.end), message).help(help)
        })
    }

    /// What a spec's meaning depends on.
    pub fn options(&self) -> Options {
        let mut options = Options {
            target: match self.target {
                ConfigTarget::Supabase => Target::Supabase,
                ConfigTarget::Postgres => Target::Postgres,
            },
            ..Options::default()
        };
        let set = |slot: &mut smol_str::SmolStr, value: &Option<String>| {
            if let Some(value) = value {
                *slot = value.into();
            }
        };
        set(&mut options.default_schema, &self.schemas.default);
        set(&mut options.helper_schema, &self.schemas.helpers);
        set(&mut options.viewer_setting, &self.postgres.viewer_setting);
        set(&mut options.claims_setting, &self.postgres.claims_setting);
        options
    }

    /// The folder of the migrations.
    pub fn migrations(&self) -> PathBuf {
        let default = match self.target {
            ConfigTarget::Supabase => "supabase/migrations",
            ConfigTarget::Postgres => "migrations",
        };
        self.output.migrations.clone().unwrap_or_else(|| default.into())
    }

    /// The folder of the environments' seeds.
    pub fn seeds(&self) -> PathBuf {
        let default = match self.target {
            ConfigTarget::Supabase => "supabase/seeds",
            ConfigTarget::Postgres => "seeds",
        };
        self.output.seeds.clone().unwrap_or_else(|| default.into())
    }

    /// The folder of the docs.
    pub fn docs(&self) -> PathBuf {
        self.output.docs.clone().unwrap_or_else(|| "docs".into())
    }

    /// The folder of specc's own state: down scripts, the stored catalog, checksums.
    pub fn state(&self) -> PathBuf {
        self.output.state.clone().unwrap_or_else(|| "specc".into())
    }
}

/// What the reader of TOML says, in the author's words, and what to write instead.
fn in_words(said: &str) -> (String, String) {
    let said = said.lines().next().unwrap_or("this cannot be read");
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let list = |words: &[&str]| words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    match (said.split(" `").next().unwrap_or_default(), quoted.as_slice()) {
        ("unknown field", [word, known @ ..]) => {
            let help = match specc_diag::nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("settings here are {}", list(known)),
            };
            (format!("unknown setting `{word}`"), help)
        }
        ("unknown variant", [word, known @ ..]) => {
            (format!("`{word}` is not a value of this setting"), format!("it is one of {}", list(known)))
        }
        ("missing field", [word, ..]) => {
            (format!("the project has no `{word}`"), format!("add a line: `{word} = \"…\"`"))
        }
        _ if said.contains("quoted") || said.contains("string") => {
            (said.to_owned(), "texts stand in quotes: `name = \"shop\"`".to_owned())
        }
        _ => (
            said.to_owned(),
            "the settings are `name`, `target`, `specs`, `[schemas]`, `[postgres]` and `[output]`".to_owned(),
        ),
    }
}
