//! `specc.toml`.

mod environment;

pub use environment::Environment;

use crate::args::Lang;
use crate::output::is_plain;
use crate::report::Failure;
use serde::Deserialize;
use specc_diag::{Diagnostic, FileId, Span, codes};
use specc_model::{Options, Target};
use specc_postgres::Address;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

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
    /// Whether references, rules and the like bring what usually goes with them; `true` unless said otherwise.
    derive: Option<bool>,
    #[serde(default)]
    schemas: Schemas,
    #[serde(default)]
    postgres: Postgres,
    #[serde(default)]
    environments: BTreeMap<String, Environment>,
    /// Where things go, relative to the output folder.
    #[serde(default)]
    pub output: Output,
    /// What types are written of.
    #[serde(default)]
    pub types: Types,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConfigTarget {
    #[default]
    Supabase,
    Postgres,
    Citus,
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

/// Types for programs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Types {
    /// The schemas; `public` if there are none.
    #[serde(default)]
    pub schemas: Vec<String>,
    /// Whether they say more than Supabase's own.
    #[serde(default)]
    pub strict: bool,
}

/// Folders for what is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    migrations: Option<Spanned<PathBuf>>,
    seeds: Option<Spanned<PathBuf>>,
    docs: Option<Spanned<PathBuf>>,
    state: Option<Spanned<PathBuf>>,
    /// Files: each is written only where it is named.
    types: Option<Spanned<PathBuf>>,
    zod: Option<Spanned<PathBuf>>,
    rust: Option<Spanned<PathBuf>>,
    metadata: Option<Spanned<PathBuf>>,
    /// A folder, with a document a role.
    openapi: Option<Spanned<PathBuf>>,
    /// A folder, for the guides beside the docs.
    guides: Option<Spanned<PathBuf>>,
}

impl Output {
    /// A folder that is not below the output folder, with its place in the text.
    fn outside(&self) -> Option<&Spanned<PathBuf>> {
        let is_inside = |path: &Path| path.components().next().is_some() && path.components().all(is_plain);
        let folders = [&self.migrations, &self.seeds, &self.docs, &self.state, &self.openapi, &self.guides];
        let all = folders.into_iter().chain([&self.types, &self.zod, &self.rust, &self.metadata]);
        all.flatten().find(|path| !is_inside(path.get_ref()))
    }
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
        let wrong = |range: Range<usize>, message: String, help: String| {
            Diagnostic::new(codes::BAD_CONFIG, Span::new(file, range.start, range.end), message).help(help)
        };
        let config: Self = toml::from_str(text).map_err(|error| {
            let (message, help) = in_words(error.message());
            wrong(error.span().unwrap_or(0..0), message, help)
        })?;
        if config.name.trim().is_empty() || config.name.contains(char::is_control) {
            let at = text.find("name").unwrap_or(0);
            let help = "it stands in headers and titles: `name = \"shop\"`".to_owned();
            return Err(wrong(at..at + 4, "the project's name is one line of text".to_owned(), help));
        }
        if let Some((name, why)) = config.options().wrong_schema() {
            let at = text.find("schemas").unwrap_or(0);
            let message = format!("nothing can be made in the schema `{}`: {why}", name.escape_debug());
            let help = "choose another name under `[schemas]`: `helpers = \"private\"`".to_owned();
            return Err(wrong(at..(at + 7).min(text.len()), message, help));
        }
        if let Some((path, why)) = config.shared() {
            let help = "give each a place of its own: `guides = \"docs/guides\"`, `types = \"src/database.types.ts\"`";
            return Err(wrong(path.span(), why, help.to_owned()));
        }
        if let Some(name) = config.environments.iter().find(|(_, one)| !one.is_without_secrets()).map(|(name, _)| name)
        {
            let at = text.find("[environments").unwrap_or(0);
            let message = format!("`database_url` of the environment `{name}` is not the name of a variable");
            let help = "settings are committed and hold no password: write `database_url = \"STAGING_DATABASE_URL\"`, and the URL \
                        into that variable";
            let end = text[at..].find(']').map_or(at, |end| at + end + 1);
            return Err(Diagnostic::new(codes::SECRET_IN_SETTINGS, Span::new(file, at, end), message).help(help));
        }
        match config.output.outside() {
            None => Ok(config),
            Some(path) => Err(wrong(
                path.span(),
                format!("`{}` is not a folder below the output folder", path.get_ref().display()),
                "write its path from there without `..`, or name the output folder on the command line: `specc build --out`"
                    .to_owned(),
            )),
        }
    }

    /// A place that two outputs have, or that lies among the migrations or the state, where other files are looked for: what is
    /// written to one would be taken for the other.
    fn shared(&self) -> Option<(&Spanned<PathBuf>, String)> {
        let output = &self.output;
        let all = [
            ("migrations", &output.migrations, Some(self.migrations())),
            ("state", &output.state, Some(self.state())),
            ("seeds", &output.seeds, Some(self.seeds())),
            ("docs", &output.docs, Some(self.docs())),
            ("guides", &output.guides, None),
            ("openapi", &output.openapi, None),
            ("types", &output.types, None),
            ("zod", &output.zod, None),
            ("rust", &output.rust, None),
            ("metadata", &output.metadata, None),
        ];
        let places = all.map(|(name, said, usual)| {
            (name, said.as_ref(), said.as_ref().map(|said| said.get_ref().clone()).or(usual))
        });
        let pairs =
            places.iter().enumerate().flat_map(|(at, one)| places[at + 1..].iter().map(move |other| (one, other)));
        let mut shared = pairs.filter_map(|((a, a_said, a_path), (b, b_said, b_path))| {
            let (a_path, b_path) = (a_path.as_ref()?, b_path.as_ref()?);
            let kept = |name: &str| matches!(name, "migrations" | "state");
            let is_shared =
                a_path == b_path || kept(a) && b_path.starts_with(a_path) || kept(b) && a_path.starts_with(b_path);
            let said = (*b_said).or(*a_said)?;
            is_shared.then(|| (said, format!("`{a}` and `{b}` would be written to the same place")))
        });
        shared.next()
    }

    /// What a spec's meaning depends on.
    pub fn options(&self) -> Options {
        let mut options = Options {
            target: match self.target {
                ConfigTarget::Supabase => Target::Supabase,
                ConfigTarget::Postgres => Target::Postgres,
                ConfigTarget::Citus => Target::Citus,
            },
            derive: self.derive.unwrap_or(true),
            environments: self.environments.keys().map(Into::into).collect(),
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

    /// Why the settings say that this database is production, if they do: by the host and the database of an environment, or by the
    /// variable that has its URL, whatever other names of the server stand there.
    pub fn production(&self, address: &Address, env: impl Fn(&str) -> Option<String> + Copy) -> Option<String> {
        let fits = |name: &str, environment: &Environment| {
            let says = || environment.fits(address.host(), address.database(), address.user()) == Some(true);
            environment.is_production(name) && (says() || environment.leads_there(address, env))
        };
        let (name, _) = self.environments.iter().find(|(name, environment)| fits(name, environment))?;
        Some(format!("specc.toml says so: it is the environment `{name}`"))
    }

    /// The environments that lead to a project of Supabase, whose database is at `host`.
    pub fn environments_of(&self, reference: &str, host: &str) -> Vec<String> {
        let leads = self.environments.iter().filter(|(_, environment)| environment.leads_to(reference, host));
        leads.map(|(name, _)| name.clone()).collect()
    }

    /// The same of an environment that is named.
    pub fn named_production(&self, name: &str) -> Option<String> {
        let environment = self.environments.get(name)?;
        environment.is_production(name).then(|| format!("specc.toml says so: it is the environment `{name}`"))
    }

    /// An environment by its name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn environment(&self, name: &str) -> Result<&Environment, Failure> {
        self.environments.get(name).ok_or_else(|| {
            let names: Vec<String> = self.environments.keys().map(|name| format!("`{name}`")).collect();
            let near = specc_diag::nearest(name, self.environments.keys().map(String::as_str));
            let help = match (near, names.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, false) => format!("there is {}", names.join(", ")),
                (None, true) => {
                    format!("write `[environments.{name}]` with `database_url = \"DATABASE_URL\"`, the variable that has its URL")
                }
            };
            Failure::broken(format!("specc.toml has no environment `{name}`\n  help: {help}"))
        })
    }

    /// The folder of the migrations.
    pub fn migrations(&self) -> PathBuf {
        let default = match self.target {
            ConfigTarget::Supabase => "supabase/migrations",
            ConfigTarget::Postgres | ConfigTarget::Citus => "migrations",
        };
        folder(&self.output.migrations, default)
    }

    /// The folder of the environments' seeds.
    pub fn seeds(&self) -> PathBuf {
        let default = match self.target {
            ConfigTarget::Supabase => "supabase/seeds",
            ConfigTarget::Postgres | ConfigTarget::Citus => "seeds",
        };
        folder(&self.output.seeds, default)
    }

    /// The folder of the docs.
    pub fn docs(&self) -> PathBuf {
        folder(&self.output.docs, "docs")
    }

    /// The files of types that are to be written, each with its language.
    pub fn types_files(&self) -> Vec<(Lang, PathBuf)> {
        let all = [
            (Lang::Typescript, &self.output.types),
            (Lang::Zod, &self.output.zod),
            (Lang::Rust, &self.output.rust),
            (Lang::Metadata, &self.output.metadata),
        ];
        all.into_iter().filter_map(|(lang, path)| Some((lang, path.as_ref()?.get_ref().clone()))).collect()
    }

    /// The folder of the documents of OpenAPI, if they are to be written.
    pub fn openapi(&self) -> Option<PathBuf> {
        self.output.openapi.as_ref().map(|path| path.get_ref().clone())
    }

    /// The folder of the guides, if they are to be written.
    pub fn guides(&self) -> Option<PathBuf> {
        self.output.guides.as_ref().map(|path| path.get_ref().clone())
    }

    /// The folders of what each build makes anew, and the files of types.
    pub fn generated(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.seeds(), self.docs()];
        folders.extend(self.types_files().into_iter().map(|(_, path)| path));
        folders.extend(self.openapi());
        folders.extend(self.guides());
        folders
    }

    /// The folder of specc's own state: down scripts, the stored catalog, checksums.
    pub fn state(&self) -> PathBuf {
        folder(&self.output.state, "specc")
    }
}

fn folder(said: &Option<Spanned<PathBuf>>, usual: &str) -> PathBuf {
    said.as_ref().map_or_else(|| usual.into(), |path| path.get_ref().clone())
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
            "the settings are `name`, `target`, `specs`, `derive`, `[schemas]`, `[postgres]`, `[environments.NAME]`, `[types]` and `[output]`".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Config};

    #[test]
    fn production_has_several_names() {
        let says = |text: &str| toml::from_str::<Config>(&format!("name = \"x\"\n{text}")).expect("settings");
        let at = |url: &str| Address::resolve(Some(url), |_| None).expect("an address");
        let is = |config: &Config, url: &str| config.production(&at(url), |_| None).is_some();
        let own = says("[environments.production]\nhost = \"db.shop.example\"\n");
        for host in ["db.shop.example", "DB.Shop.Example", "db.shop.example.", "other.example,DB.SHOP.EXAMPLE."] {
            assert!(is(&own, &format!("postgres://ann@{host}/shop")), "{host}");
        }
        assert!(!is(&own, "postgres://ann@db2.shop.example/shop"));
        let supabase = says("[environments.production]\nhost = \"db.abcd.supabase.co\"\n");
        let pooler = "aws-0-eu-central-1.pooler.supabase.com:6543/postgres";
        assert!(is(&supabase, &format!("postgres://postgres.abcd@{pooler}")));
        assert!(!is(&supabase, &format!("postgres://postgres.efgh@{pooler}")));
        let any = says("[environments.production]\nhost = \"db.*.supabase.co\"\n");
        assert!(is(&any, &format!("postgres://postgres.efgh@{pooler}")));

        // By the variable alone, the database is what its URL leads to.
        let by_url = says("[environments.production]\ndatabase_url = \"LIVE_URL\"\n");
        let leads = |live: &str, url: &str| {
            by_url.production(&at(url), |name| (name == "LIVE_URL").then(|| live.to_owned())).is_some()
        };
        let live = "postgres://ann:hush@localhost/shop";
        for same in [
            "postgres://ann:hush@localhost/shop",
            "postgresql://ben@LOCALHOST.:5432/shop?application_name=x&sslmode=disable",
            "postgres://127.0.0.1/shop",
            "postgres://ann@[::1]:5432/shop",
            "host=/var/run/postgresql dbname=shop user=ann",
            "postgres://ann@db.example,localhost/shop",
        ] {
            assert!(leads(live, same) && leads(same, live), "{same}");
        }
        for other in ["postgres://localhost/shop2", "postgres://localhost:5433/shop", "postgres://db.example/shop"] {
            assert!(!leads(live, other) && !leads(other, live), "{other}");
        }
        assert!(leads(
            "postgres://postgres@db.abcd.supabase.co/postgres",
            &format!("postgres://postgres.abcd@{pooler}")
        ));
        assert!(!leads(
            "postgres://postgres@db.abcd.supabase.co/postgres",
            &format!("postgres://postgres.efgh@{pooler}")
        ));
        assert!(!leads("no address at all", live) && !is(&by_url, live));
    }
}
