//! Who may do what to tables, functions and schemas, beside what Supabase's advisors say of it.

use crate::check::{Area, BASE, Check, How, Need, Section, Severity};

const ACCESS: Check = Check { section: Section::Security, area: Some(Area::Rls), ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "writable_without_rls",
        severity: Severity::Error,
        asks: "tables without row level security that clients write and do not read",
        says: "`{role}` may {privileges} `{table}` without row level security",
        why: "anybody writes or deletes any row",
        mend: "alter table {table} enable row level security;",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text || ' ' || r.rolname as object, c.oid::regclass::text as table, r.rolname as role,
                    array_agg(v.word order by v.at) as privileges
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = any({exposed})
             join pg_catalog.pg_roles r on r.rolname = any({clients})
               and not pg_catalog.has_table_privilege(r.oid, c.oid, 'select')
             cross join (values (1, 'insert'), (2, 'update'), (3, 'delete')) v(at, word)
             where c.relkind in ('r', 'p') and not c.relrowsecurity
               and pg_catalog.has_table_privilege(r.oid, c.oid, v.word) and {mine}
             group by c.oid, r.rolname order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "partitioned_table_without_rls",
        severity: Severity::Error,
        asks: "partitioned tables and partitions that clients reach without row level security",
        says: "`{table}` is reached by {roles} without row level security",
        why: "policies of the partitioned table hold for who asks it, and not for who asks a partition",
        mend: "alter table {table} enable row level security;",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table, r.roles
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = any({exposed})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as roles from pg_catalog.pg_roles r
               where r.rolname = any({clients})
                 and pg_catalog.has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')) r
             where (c.relkind = 'p' or c.relkind = 'r' and c.relispartition) and not c.relrowsecurity and r.roles is not null
               and {mine} order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "truncate_granted",
        asks: "tables that clients may empty, whatever their policies say",
        says: "{roles} may truncate `{table}`",
        why: "row level security does not hold for `truncate`: one statement empties the table",
        mend: "revoke truncate on {table} from {roles};",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    array_agg(pg_catalog.quote_ident(r.rolname) order by r.rolname) as roles
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             join pg_catalog.pg_roles r on r.rolname = any({clients})
             where c.relkind in ('r', 'p') and pg_catalog.has_table_privilege(r.oid, c.oid, 'truncate') and {mine}
             group by c.oid order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "references_or_triggers_granted",
        asks: "tables that clients may refer to, or put triggers on",
        says: "{roles} may put {privileges} on `{table}`",
        why: "a trigger runs as whoever writes, and a reference tells which keys there are",
        mend: "revoke references, trigger on {table} from {roles};",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    array_agg(distinct pg_catalog.quote_ident(r.rolname)) as roles, array_agg(distinct v.word) as privileges
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             join pg_catalog.pg_roles r on r.rolname = any({clients})
             cross join (values ('references'), ('trigger')) v(word)
             where c.relkind in ('r', 'p') and pg_catalog.has_table_privilege(r.oid, c.oid, v.word) and {mine}
             group by c.oid order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "granted_to_public",
        asks: "tables, views and sequences that every role may reach",
        says: "every role may {privileges} `{object}`",
        why: "roles of tomorrow have it too, and no revoke from a role takes it away",
        mend: "revoke all on {object} from public;",
        how: How::Query(
            "select c.oid::regclass::text as object, case when c.relkind in ('r', 'p') then c.oid::regclass::text end as table,
                    array_agg(lower(a.privilege_type) order by a.privilege_type) as privileges
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             cross join lateral pg_catalog.aclexplode(c.relacl) a
             where a.grantee = 0 and {mine} group by c.oid, c.relkind order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "granted_on",
        asks: "grants to clients that they may hand on",
        says: "`{role}` may hand on its rights to `{object}`",
        why: "who may do it is then no longer the project's to say",
        mend: "revoke grant option for all privileges on {object} from {role};",
        how: How::Query(
            "select distinct c.oid::regclass::text as object, pg_catalog.quote_ident(r.rolname) as role,
                    case when c.relkind in ('r', 'p') then c.oid::regclass::text end as table
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             cross join lateral pg_catalog.aclexplode(c.relacl) a
             join pg_catalog.pg_roles r on r.oid = a.grantee and r.rolname = any({clients})
             where a.is_grantable and a.grantee <> c.relowner and {mine} order by 1",
        ),
        needs: &[Need::Clients],
        ..ACCESS
    },
    Check {
        name: "definer_function_without_search_path",
        severity: Severity::Error,
        area: None,
        asks: "functions with the rights of their owner that do not set their search_path",
        says: "the function `{object}` runs as `{owner}` and does not set its search_path",
        why: "whoever calls it puts an own function in the way of its names, which then runs as `{owner}`",
        mend: "alter routine {object} set search_path = '';",
        how: How::Query(
            "select p.oid::regprocedure::text as object, pg_catalog.pg_get_userbyid(p.proowner) as owner
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             where p.prosecdef
               and not exists (select from unnest(p.proconfig) s(setting) where s.setting like 'search\\_path=%')
               and {my_function} order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "definer_search_path_writable",
        severity: Severity::Error,
        area: None,
        asks: "functions with the rights of their owner whose search_path names a schema where clients make objects",
        says: "the function `{object}` runs as `{owner}`, and its search_path has `{schema}`, where `{role}` makes objects",
        why: "an object that a client makes stands in the way of what the function means",
        mend: "revoke create on schema {schema} from {role};",
        needs: &[Need::Clients],
        how: How::Query(
            "select p.oid::regprocedure::text as object, pg_catalog.pg_get_userbyid(p.proowner) as owner,
                    pg_catalog.quote_ident(w.nspname) as schema, pg_catalog.quote_ident(r.rolname) as role
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             cross join lateral unnest(p.proconfig) s(setting)
             cross join lateral unnest(string_to_array(substr(s.setting, 13), ',')) part(name)
             join pg_catalog.pg_namespace w on w.nspname = btrim(part.name, ' \"')
             join pg_catalog.pg_roles r on r.rolname = any({clients}) and pg_catalog.has_schema_privilege(r.oid, w.oid, 'create')
             where p.prosecdef and s.setting like 'search\\_path=%' and {my_function} order by 1, 3, 4",
        ),
        ..ACCESS
    },
    Check {
        name: "definer_function_open_to_all",
        area: None,
        asks: "functions with the rights of their owner that every role may call, in schemas that clients reach",
        says: "every role may call `{object}`, which runs as `{owner}`",
        why: "it is an entry of the API that no row level security holds, and Postgres grants it to all by itself",
        mend: "revoke execute on function {object} from public; and grant it to whom it is for",
        how: How::Query(
            "select p.oid::regprocedure::text as object, pg_catalog.pg_get_userbyid(p.proowner) as owner
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = any({exposed})
             where p.prosecdef and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
               and exists (select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                           where a.grantee = 0 and a.privilege_type = 'EXECUTE')
               and {my_function} order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "schema_open_to_create",
        severity: Severity::Error,
        area: None,
        asks: "schemas in which every role, or clients, make objects",
        says: "{roles} may make objects in the schema `{object}`",
        why: "what they make stands in the way of what others mean",
        mend: "revoke create on schema {object} from {roles};",
        how: How::Query(
            "select pg_catalog.quote_ident(n.nspname) as object,
                    array_agg(distinct case when a.grantee = 0 then 'public' else pg_catalog.quote_ident(r.rolname) end) as roles
             from pg_catalog.pg_namespace n
             cross join lateral pg_catalog.aclexplode(n.nspacl) a
             left join pg_catalog.pg_roles r on r.oid = a.grantee
             where a.privilege_type = 'CREATE' and (a.grantee = 0 or r.rolname = any({clients})) and {my_schema}
             group by n.nspname order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "owned_by_a_client",
        severity: Severity::Error,
        asks: "tables, views and sequences whose owner is a role of clients",
        says: "`{object}` belongs to `{role}`",
        why: "its owner is past row level security, and may change and drop it",
        mend: "alter table {object} owner to postgres; (view, sequence likewise)",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, pg_catalog.quote_ident(r.rolname) as role,
                    case when c.relkind in ('r', 'p') then c.oid::regclass::text end as table
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             join pg_catalog.pg_roles r on r.oid = c.relowner and r.rolname = any({clients})
             where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and {mine} order by 1",
        ),
        ..ACCESS
    },
    Check {
        name: "default_privileges_open",
        area: None,
        asks: "grants that every new object will have, to clients or to all",
        says: "what `{owner}` makes{where} will be granted to {role}: {privileges} on {what}",
        why: "a table that somebody adds is open before anybody thinks of it",
        mend: "alter default privileges for role {owner}{where} revoke all on {what} from {role};",
        severity: Severity::Info,
        how: How::Query(
            "select d.* from (
               select pg_catalog.concat_ws(' ', pg_catalog.pg_get_userbyid(d.defaclrole), n.nspname, k.what, coalesce(r.rolname, 'public')) as object,
                    pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole)) as owner,
                    coalesce(' in schema ' || pg_catalog.quote_ident(n.nspname), '') as where, k.what,
                    coalesce(pg_catalog.quote_ident(r.rolname), 'public') as role,
                    array_agg(lower(a.privilege_type) order by a.privilege_type) as privileges
               from pg_catalog.pg_default_acl d
               join (values ('r', 'tables'), ('S', 'sequences'), ('f', 'functions'), ('n', 'schemas')) k(type, what)
                 on k.type::\"char\" = d.defaclobjtype
               left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
               cross join lateral pg_catalog.aclexplode(d.defaclacl) a
               left join pg_catalog.pg_roles r on r.oid = a.grantee
               where pg_catalog.pg_get_userbyid(d.defaclrole) <> 'supabase_admin' and (a.grantee = 0 or r.rolname = any({clients})) and (d.defaclnamespace = 0 or {my_schema})
               group by d.defaclrole, n.nspname, k.what, r.rolname) d
             order by 1",
        ),
        ..ACCESS
    },
];
