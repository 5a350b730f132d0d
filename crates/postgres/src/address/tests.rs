use super::{Address, parse, pgpass};

fn resolve(url: Option<&str>, env: &[(&str, &str)]) -> Result<Address, String> {
    let get = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Address::resolve(url, get).map_err(|error| error.to_string())
}

#[test]
fn a_url_wins_over_the_environment_and_the_password_is_never_shown() {
    let env = [("DATABASE_URL", "postgresql://other/other"), ("PGUSER", "ann"), ("PGPORT", "6543")];
    let address = resolve(Some("postgresql://bob:s%40crt@db.example:5433/shop?sslmode=require"), &env).unwrap();
    assert_eq!(address.to_string(), "bob@db.example/shop");
    assert!(!format!("{address:?}").contains("crt"));
    let variables = address.variables();
    let get = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((get("PGPASSWORD"), get("PGPORT"), get("PGSSLMODE")), (Some("s@crt"), Some("5433"), Some("require")));
    assert_eq!(resolve(None, &env).unwrap().to_string(), "ann@other/other");
}

#[test]
fn without_any_word_of_where_the_database_is_there_is_none() {
    let said = resolve(None, &[("PGSSLMODE", "require"), ("USER", "ann")]).unwrap_err();
    assert!(said.contains("--database-url"), "{said}");
    let address = resolve(None, &[("PGHOST", "/run/pg"), ("USER", "ann")]).unwrap();
    assert_eq!((address.host(), address.database(), address.user()), ("/run/pg", "ann", "ann"));
}

#[test]
fn both_forms_say_the_same() {
    let pairs = "host=db.example port=5433 user='an\\'n' password = 'a b' dbname=shop";
    let url = "postgres://an'n:a%20b@db.example:5433/shop";
    assert_eq!(parse::parse(pairs), parse::parse(url));
    let several = parse::parse("postgres://u@[::1]:1,b:2/d").unwrap();
    assert_eq!((several["host"].as_str(), several["port"].as_str()), ("::1,b", "1,2"));
}

#[test]
fn what_is_wrong_is_said_without_the_password() {
    for url in ["postgresql://u:hush@h/d?pool=1", "mysql://u:hush@h/d", "u:hush", "postgresql://u:hush%@h/d"] {
        let said = resolve(Some(url), &[]).unwrap_err();
        assert!(!said.contains("hush"), "{said}");
    }
    assert!(resolve(Some("postgresql://h/d?sslmode=perhaps"), &[]).unwrap_err().contains("sslmode"));
}

#[test]
fn the_first_line_of_pgpass_that_fits() {
    let text = "# a comment\nother:*:*:*:no\ndb\\:1:5432:*:ann:a\\:b\n*:*:*:*:last\n";
    let find = |host| pgpass::find_in(text, [host, "5432", "shop", "ann"]);
    assert_eq!(find("db:1").as_deref(), Some("a:b"));
    assert_eq!(find("elsewhere").as_deref(), Some("last"));
    assert_eq!(pgpass::find_in("a:1:b:c\n", ["a", "1", "b", "c"]), None);
}

#[test]
fn a_connection_that_dies_is_noticed() {
    let config = |url: &str| super::Address::resolve(Some(url), |_| None).unwrap().config().unwrap();
    let usual = config("postgresql://u@h/d");
    assert!(usual.get_keepalives());
    assert_eq!(usual.get_keepalives_idle().as_secs(), 10);
    assert_eq!(usual.get_keepalives_retries(), Some(4));
    let asked = "postgresql://u@h/d?keepalives=0&keepalives_idle=5&keepalives_interval=2&keepalives_count=3&channel_binding=require";
    let own = config(asked);
    assert!(!own.get_keepalives());
    assert_eq!((own.get_keepalives_idle().as_secs(), own.get_keepalives_retries()), (5, Some(3)));
    assert_eq!(own.get_channel_binding(), postgres::config::ChannelBinding::Require);
    assert!(resolve(Some("postgresql://u@h/d?channel_binding=maybe"), &[]).unwrap_err().contains("channel_binding"));
}
