//! The attempts.

/// How SQL comes to be run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As a statement of a migration.
    Statement,
    /// The text is the body of a function, which a migration calls.
    Body,
    /// The text is such a body, and each row that specc makes calls it.
    Rows,
}

pub struct Attempt {
    pub name: &'static str,
    pub way: Way,
    pub text: &'static str,
    /// What verify says of it, in one of these words or another.
    pub said: &'static str,
    /// Whether it touches something when a superuser does it and nothing else holds.
    pub bites: bool,
    /// Only the kernel holds it: the role alone does not, where somebody declared the extension trusted.
    pub kernel_only: bool,
    /// On a database with the platform.
    pub platform: bool,
}

pub const NEW: Attempt =
    Attempt { name: "", way: Way::Statement, text: "", said: "", bites: false, kernel_only: false, platform: false };

const fn sql(name: &'static str, said: &'static str, text: &'static str) -> Attempt {
    Attempt { name, text, said, ..NEW }
}

const fn bites(name: &'static str, said: &'static str, text: &'static str) -> Attempt {
    Attempt { name, text, said, bites: true, ..NEW }
}

const fn body(name: &'static str, said: &'static str, text: &'static str) -> Attempt {
    Attempt { name, way: Way::Body, text, said, ..NEW }
}

const fn rows(name: &'static str, said: &'static str, text: &'static str) -> Attempt {
    Attempt { name, way: Way::Rows, text, said, ..NEW }
}

const PROGRAM: &str = "external program";
const DENIED: &str = "permission denied|must be|must have|not allowed|Only roles";

pub const ATTEMPTS: &[Attempt] = &[
    // Programs.
    bites("copy to a program", PROGRAM, "copy (select 1) to program 'cat >{dir}/touched';"),
    bites("copy from a program", PROGRAM, "create table t (x text); copy t from program 'touch {dir}/touched';"),
    Attempt { bites: true, ..body("a program in a body", PROGRAM, "copy (select 1) to program 'cat >{dir}/touched'") },
    rows("a program for each row", PROGRAM, "copy (select 1) to program 'cat >{dir}/touched'"),
    rows(
        "programs by a role that was taken, for each row",
        DENIED,
        "grant pg_execute_server_program to current_user; copy (select 1) to program 'cat >{dir}/touched'",
    ),
    bites(
        "programs by a role that was taken",
        DENIED,
        "grant pg_execute_server_program to current_user; copy (select 1) to program 'cat >{dir}/touched';",
    ),
    bites(
        "programs by a new role",
        DENIED,
        "create role hostile_new; grant pg_execute_server_program to hostile_new; grant hostile_new to current_user; \
         set role hostile_new; copy (select 1) to program 'cat >{dir}/touched';",
    ),
    sql("a role made as a member", DENIED, "create role hostile_member login in role pg_execute_server_program;"),
    sql("a new superuser", DENIED, "create role hostile_above superuser login;"),
    sql("a new role for replication", DENIED, "create role hostile_stream replication login;"),
    sql("the owner as a superuser", DENIED, "alter role postgres superuser;"),
    sql("the filler as a superuser", DENIED, "alter role specc_filler superuser;"),
    sql("the catalog of roles", DENIED, "update pg_catalog.pg_authid set rolsuper = true;"),
    sql("to be the superuser", DENIED, "set role supabase_admin;"),
    sql("to have logged in as the superuser", DENIED, "set session authorization supabase_admin;"),
    sql("to give the superuser away", DENIED, "grant supabase_admin to current_user;"),
    bites(
        "to be who one was",
        PROGRAM,
        "reset role; reset session authorization; copy (select 1) to program 'cat >{dir}/touched';",
    ),
    rows(
        "to be who one was, for each row",
        PROGRAM,
        "reset role; reset session authorization; copy (select 1) to program 'cat >{dir}/touched'",
    ),
    sql(
        "a function of the superuser's",
        DENIED,
        "create function f() returns int language plpgsql security definer as 'begin copy (select 1) to program ''cat >{dir}/touched''; return 1; end'; \
         alter function f() owner to supabase_admin; select f();",
    ),
    sql("a setting of the server", DENIED, "alter system set archive_command = 'touch {dir}/touched';"),
    body("a setting of the server in a body", "cannot|permission", "alter system set archive_mode = 'on'"),
    sql("a setting for who is next", DENIED, "alter role postgres set session_preload_libraries = '{dir}/evil';"),
    sql("a library for all sessions", DENIED, "set session_preload_libraries = '{dir}/evil';"),
    bites("a library", DENIED, "load '{dir}/evil';"),
    bites("a function in C", DENIED, "create function f() returns int language c as '{dir}/evil', 'f';"),
    sql(
        "a function of the C library",
        DENIED,
        "create function f(cstring) returns int language c as 'libc.so.6', 'system';",
    ),
    sql("a function of the server's", DENIED, "create function f() returns int language internal as 'pg_backend_pid';"),
    sql("a language of one's own", DENIED, "create language hostile handler plpgsql_call_handler;"),
    sql("a language that is not trusted", "permission denied|not available", "create extension plpython3u;"),
    sql("a library that decodes", DENIED, "select pg_create_logical_replication_slot('hostile', '{dir}/evil');"),
    body(
        "a library that decodes, as another",
        DENIED,
        "grant dashboard_user to current_user; set local role dashboard_user; \
         perform pg_create_logical_replication_slot('hostile', '{dir}/evil')",
    ),
    sql(
        "something at each statement of anybody",
        DENIED,
        "create function e() returns event_trigger language plpgsql as 'begin end'; \
         create event trigger hostile on ddl_command_end execute function e();",
    ),
    sql("a base type", DENIED, "create type base; create type base (input = int4in, output = int4out);"),
    sql("an access method", DENIED, "create access method hostile type index handler bthandler;"),
    sql(
        "a cast that looks at bytes",
        DENIED,
        "create type one as (a int); create cast (one as text) without function;",
    ),
    // Files.
    bites(
        "to read a file by copy",
        DENIED,
        "create table t (x text); copy t from '{dir}/secret'; do $$ begin raise '%', (select x from t); end $$;",
    ),
    bites("to write a file by copy", DENIED, "copy (select 1) to '{dir}/touched';"),
    rows("to write a file by copy, for each row", DENIED, "copy (select 1) to '{dir}/touched'"),
    Attempt { bites: true, ..body("to read a file", DENIED, "raise '%', pg_read_file('{dir}/secret')") },
    rows("to read a file, for each row", DENIED, "raise '%', pg_read_file('{dir}/secret')"),
    body("to read a file's bytes", DENIED, "raise '%', convert_from(pg_read_binary_file('{dir}/secret'), 'UTF8')"),
    body("to list a folder", DENIED, "perform pg_ls_dir('{dir}')"),
    body("to look at a file", DENIED, "perform pg_stat_file('{dir}/secret')"),
    Attempt {
        bites: true,
        ..body(
            "a file as a large object",
            DENIED,
            "perform lo_import('{dir}/secret', 4711); raise '%', convert_from(lo_get(4711), 'UTF8')",
        )
    },
    Attempt {
        bites: true,
        ..body(
            "a large object as a file",
            DENIED,
            "perform lo_from_bytea(4712, 'x'); perform lo_export(4712, '{dir}/touched')",
        )
    },
    rows(
        "files by roles that were taken, for each row",
        DENIED,
        "grant pg_read_server_files, pg_write_server_files to current_user; copy (select 1) to '{dir}/touched'",
    ),
    sql(
        "files by a role that was taken",
        DENIED,
        "grant pg_write_server_files to current_user; copy (select 1) to '{dir}/touched';",
    ),
    sql("a tablespace", DENIED, "create tablespace hostile location '{dir}';"),
    Attempt {
        bites: true,
        ..sql(
            "a file as a table",
            DENIED,
            "create extension if not exists file_fdw schema public; create server files foreign data wrapper file_fdw; \
             create foreign table f (x text) server files options (filename '{dir}/secret'); do $$ begin raise '%', (select x from f); end $$;",
        )
    },
    sql("a wrapper of one's own", DENIED, "create foreign data wrapper hostile;"),
    sql(
        "a dictionary from elsewhere",
        "invalid",
        "create text search dictionary hostile (template = ispell, dictfile = '../../../../../..{dir}/secret', afffile = 'x');",
    ),
    body(
        "an entity from a file",
        "",
        "raise '%', xmlparse(document '<!DOCTYPE a [<!ENTITY x SYSTEM \"file://{dir}/secret\">]><a>&x;</a>')",
    ),
    sql("what the server was started with", DENIED, "create table t (x text); copy t from '/proc/self/environ';"),
    // The network, and others.
    Attempt {
        kernel_only: true,
        bites: true,
        ..sql(
            "a database elsewhere",
            "could not|permission denied",
            "create extension if not exists dblink schema public; select dblink_connect('host=127.0.0.1 port={port} user=u password=p dbname=d connect_timeout=1');",
        )
    },
    Attempt {
        kernel_only: true,
        bites: true,
        ..sql(
            "a socket elsewhere",
            "could not|permission denied",
            "create extension if not exists dblink schema public; select dblink_connect('host={dir} user=u password=p dbname=d connect_timeout=1');",
        )
    },
    Attempt {
        kernel_only: true,
        bites: true,
        ..sql(
            "a table elsewhere",
            "could not|permission denied",
            "create extension if not exists postgres_fdw schema public; \
             create server elsewhere foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{port}', dbname 'd', connect_timeout '2'); \
             create user mapping for current_user server elsewhere options (user 'u', password 'p'); \
             create foreign table f (x int) server elsewhere; select * from f;",
        )
    },
    sql(
        "the server itself, as the superuser",
        "could not|permission denied|password",
        "create extension if not exists dblink schema public; grant pg_read_all_settings to current_user; \
         select dblink_connect(format('host=%s user=supabase_admin dbname=postgres', current_setting('unix_socket_directories')));",
    ),
    sql(
        "a subscription",
        DENIED,
        "create subscription hostile connection 'host=127.0.0.1 port={port} user=u password=p dbname=d connect_timeout=1' publication p;",
    ),
    body(
        "to end the superuser's session",
        "nothing happened|permission denied|must be",
        "perform pg_terminate_backend(pid) from pg_stat_activity where usename = 'supabase_admin'; raise 'nothing happened'",
    ),
    body("to have the server read its settings", DENIED, "perform pg_reload_conf()"),
    sql(
        "a function that an extension's script might call",
        "",
        "create function public.format(text, text) returns text language plpgsql as \
         $$ begin return $s$copy (select 1) to program 'cat >{dir}/touched'$s$; end $$; create extension if not exists pg_net; create extension if not exists pg_cron;",
    ),
    sql(
        "a trigger in a function of the superuser's",
        DENIED,
        "create extension if not exists pg_net; \
         create function fire() returns trigger language plpgsql as $$ begin copy (select 1) to program 'cat >{dir}/touched'; return new; end $$; \
         create trigger fire before insert on net.http_request_queue for each row execute function fire(); select net.http_post('http://x');",
    ),
    sql(
        "a cast in a reference to a superuser's table",
        PROGRAM,
        "create extension if not exists supabase_vault; select vault.create_secret('a'); create type mine as (a text); \
         create function cast_mine(mine) returns uuid language plpgsql as $$ begin copy (select 1) to program 'cat >{dir}/touched'; \
         return gen_random_uuid(); end $$; create cast (mine as uuid) with function cast_mine(mine) as implicit; \
         create table t (id int primary key, s mine references vault.secrets (id)); insert into t values (1, row('x')::mine);",
    ),
    Attempt {
        platform: true,
        ..sql(
            "a cast in a reference to the platform's table",
            PROGRAM,
            "insert into auth.users (id) values (gen_random_uuid()); create type mine as (a text); \
             create function cast_mine(mine) returns uuid language plpgsql as $$ begin copy (select 1) to program 'cat >{dir}/touched'; \
             return gen_random_uuid(); end $$; create cast (mine as uuid) with function cast_mine(mine) as implicit; \
             create table t (id int primary key, s mine references auth.users (id)); insert into t values (1, row('x')::mine);",
        )
    },
    // What specc does by itself.
    sql(
        "functions of the names that specc calls",
        "",
        "create function public.hashtextextended(text, int) returns bigint language plpgsql as 'begin copy (select 1) to program ''cat >{dir}/touched''; return 1; end'; \
         create table t (id int primary key, a text);",
    ),
    sql(
        "whatever a row calls",
        PROGRAM,
        "create function worse() returns void language plpgsql as 'begin copy (select 1) to program ''cat >{dir}/touched''; end'; \
         create function bad(x int) returns int immutable language plpgsql as 'begin perform worse(); return x; end'; \
         create domain d as int check (bad(value) > 0); \
         create table t (id int primary key check (bad(id) > 0), g int generated always as (bad(id)) stored, e d default 1); \
         create index on t (bad(id)); \
         create function fire() returns trigger language plpgsql as 'begin perform bad(1); return new; end'; \
         create trigger always before insert or update on t for each row execute function fire(); \
         alter table t enable always trigger always; alter table t enable row level security; \
         create policy p on t using (bad(id) > 0); \
         create rule r as on update to t do also select bad(1);",
    ),
    Attempt {
        platform: true,
        ..sql(
            "triggers of the platform's tables",
            "",
            "create function fire() returns trigger language plpgsql as 'begin copy (select 1) to program ''cat >{dir}/touched''; return new; end'; \
             create table t (id int primary key, u uuid references auth.users); \
             do $$ begin execute 'create trigger x before insert on auth.users for each row execute function fire()'; exception when others then end $$;",
        )
    },
    Attempt {
        platform: true,
        ..sql(
            "stand-ins of the platform's extensions",
            "",
            "create extension if not exists pg_cron; create extension if not exists pg_net; \
             select cron.schedule('x', '* * * * *', 'copy (select 1) to program ''cat >{dir}/touched'''); \
             select net.http_post('http://127.0.0.1:{port}/');",
        )
    },
];

impl Attempt {
    /// As a migration's text.
    pub fn sql(&self) -> String {
        let function = || {
            let body = format!("begin {}; return 1; end", self.text);
            format!("create function hostile() returns int language plpgsql as $hostile${body}$hostile$;\n")
        };
        match self.way {
            Way::Statement => format!("{}\n", self.text),
            Way::Body => format!("{}select hostile();\n", function()),
            Way::Rows => format!("{}create table t (id int primary key, a int default hostile());\n", function()),
        }
    }
}
