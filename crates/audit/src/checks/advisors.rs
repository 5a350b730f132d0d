//! What Supabase's advisors say of security, under their names, levels and cache keys.

use crate::check::{Area, BASE, Check, How, Need, Section, Severity};

const LINT: Check = Check { section: Section::Security, area: Some(Area::Rls), ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "auth_users_exposed",
        severity: Severity::Error,
        asks: "views through which clients read `auth.users`",
        says: "`{object}` may show rows of `auth.users` to {readers}",
        why: "whoever asks reads addresses and metadata of everybody who signed up",
        mend: "revoke select on {object} from {readers};",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, 'auth_users_exposed_' || n.nspname || '_' || c.relname as key,
                    r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = any({exposed})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where r.readers is not null and c.relkind in ('v', 'm')
               and exists (
                 select from pg_catalog.pg_rewrite w
                 join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
                   and d.deptype = 'n' and d.refclassid = 'pg_catalog.pg_class'::regclass
                 join pg_catalog.pg_class u on u.oid = d.refobjid and u.relname = 'users'
                 join pg_catalog.pg_namespace a on a.oid = u.relnamespace and a.nspname = 'auth'
                 where w.ev_class = c.oid and (c.relkind = 'm' or not u.relrowsecurity
                   or not exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                                  where o.option_name = 'security_invoker' and o.option_value::boolean)))
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "policy_exists_rls_disabled",
        severity: Severity::Error,
        asks: "tables with policies whose row level security is off",
        says: "`{table}` has policies ({policies}), and row level security is off",
        why: "the policies do nothing: whoever has the grant reads and writes every row",
        mend: "alter table {table} enable row level security;",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    'policy_exists_rls_disabled_' || n.nspname || '_' || c.relname as key,
                    array_agg(p.polname order by p.polname) as policies
             from pg_catalog.pg_policy p
             join pg_catalog.pg_class c on c.oid = p.polrelid and c.relkind = 'r' and not c.relrowsecurity
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             group by c.oid, n.nspname, c.relname order by 1",
        ),
        ..LINT
    },
    Check {
        name: "rls_enabled_no_policy",
        severity: Severity::Info,
        asks: "tables with row level security on and no policy",
        says: "`{table}` has row level security on, and no policy",
        why: "nobody but its owner and who bypasses row level security reaches a row; where that is meant, say so in the baseline",
        mend: "policy on {table} { … } in the spec, or create policy … on {table} …;",
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    'rls_enabled_no_policy_' || n.nspname || '_' || c.relname as key
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where c.relkind = 'r' and c.relrowsecurity
               and not exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "security_definer_view",
        severity: Severity::Error,
        asks: "views that clients read with the rights of their owner",
        says: "`{object}` reads with the rights of its owner `{owner}`, for {readers}",
        why: "row level security of the tables behind it does not hold for whoever reads the view",
        mend: "alter view {object} set (security_invoker = on);",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, 'security_definer_view_' || n.nspname || '_' || c.relname as key,
                    pg_catalog.pg_get_userbyid(c.relowner) as owner, r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname = any({exposed}) and n.nspname not in ({platform})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where c.relkind = 'v' and r.readers is not null
               and not exists (select from pg_catalog.pg_options_to_table(c.reloptions) o
                               where o.option_name = 'security_invoker' and o.option_value::boolean)
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "function_search_path_mutable",
        asks: "functions that do not set their search_path",
        says: "the function `{object}` does not set its search_path",
        why: "whoever calls it decides which tables and functions its names mean",
        mend: "alter routine {object} set search_path = '';",
        area: None,
        how: How::Query(
            "select p.oid::regprocedure::text as object,
                    'function_search_path_mutable_' || n.nspname || '_' || p.proname || '_' || md5(p.prosrc) as key
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname not in ({platform})
             where not exists (select from unnest(p.proconfig) s(setting) where s.setting like 'search\\_path=%')
               and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "rls_disabled_in_public",
        severity: Severity::Error,
        asks: "tables that clients read without row level security",
        says: "`{table}` is read by {readers} without row level security",
        why: "the key of the front end is public: anybody reads every row",
        mend: "alter table {table} enable row level security;",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    'rls_disabled_in_public_' || n.nspname || '_' || c.relname as key, r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname = any({exposed}) and n.nspname not in ({platform})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where c.relkind = 'r' and not c.relrowsecurity and r.readers is not null order by 1",
        ),
        ..LINT
    },
    Check {
        name: "extension_in_public",
        area: None,
        asks: "extensions in the schema `public`",
        says: "the extension `{object}` is in the schema `public`",
        why: "what it brings stands beside the project's own objects, in the API too",
        mend: "alter extension {object} set schema extensions;",
        how: How::Query(
            "select pg_catalog.quote_ident(x.extname) as object, 'extension_in_public_' || x.extname as key
             from pg_catalog.pg_extension x
             join pg_catalog.pg_namespace n on n.oid = x.extnamespace and n.nspname = 'public'
             where x.extname <> 'plpgsql' order by 1",
        ),
        ..LINT
    },
    Check {
        name: "rls_references_user_metadata",
        severity: Severity::Error,
        asks: "policies that ask for metadata that users write themselves",
        says: "the policy `{policy}` on `{table}` reads `user_metadata`",
        why: "everybody edits the own `user_metadata`, and so decides what the policy lets through",
        mend: "ask for `app_metadata`, or a row of a table, in the policy {policy} of {table}",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || p.polname as object, c.oid::regclass::text as table,
                    p.polname as policy,
                    'rls_references_user_metadata_' || n.nspname || '_' || c.relname || '_' || p.polname as key
             from pg_catalog.pg_policy p
             join pg_catalog.pg_class c on c.oid = p.polrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where exists (
               select from (values (pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
                                   (pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) e(text)
               where e.text like '%auth.jwt()%user_metadata%'
                  or e.text like '%current_setting(%request.jwt.claims%)%user_metadata%')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "materialized_view_in_api",
        asks: "materialized views that clients read",
        says: "the materialized view `{object}` is read by {readers}",
        why: "row level security does not hold for what it stores",
        mend: "revoke select on {object} from {readers};",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, 'materialized_view_in_api_' || n.nspname || '_' || c.relname as key,
                    r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname = any({exposed}) and n.nspname not in ({platform})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where c.relkind = 'm' and r.readers is not null
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "foreign_table_in_api",
        asks: "foreign tables that clients read",
        says: "the foreign table `{object}` is read by {readers}",
        why: "row level security does not hold for rows of another server",
        mend: "revoke select on {object} from {readers};",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, 'foreign_table_in_api_' || n.nspname || '_' || c.relname as key,
                    r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname = any({exposed}) and n.nspname not in ({platform})
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where c.relkind = 'f' and r.readers is not null
               and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "unsupported_reg_types",
        area: Some(Area::Schema),
        asks: "columns of `reg…` types that no upgrade takes along",
        says: "the column `{column}` of `{table}` has the type `{type}`",
        why: "pg_upgrade refuses the database: the numbers behind these types change",
        mend: "alter table {table} alter column {column} type text;",
        how: How::Query(
            "select n.nspname || '.' || c.relname || '.' || a.attname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(a.attname) as column, t.typname as type,
                    'unsupported_reg_types_' || n.nspname || '_' || c.relname || '_' || a.attname as key
             from pg_catalog.pg_attribute a
             join pg_catalog.pg_type t on t.oid = a.atttypid and t.typnamespace = 'pg_catalog'::regnamespace
               and t.typname = any ('{regcollation,regconfig,regdictionary,regnamespace,regoper,regoperator,regproc,regprocedure}')
             join pg_catalog.pg_class c on c.oid = a.attrelid
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema', 'pgsodium')
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "insecure_queue_exposed_in_api",
        severity: Severity::Error,
        asks: "queues of pgmq that clients read without row level security",
        says: "the queue `{object}` is read by {readers} without row level security",
        why: "anybody reads every message",
        mend: "alter table {object} enable row level security;",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, 'rls_disabled_in_public_' || n.nspname || '_' || c.relname as key,
                    r.readers
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'pgmq'
             cross join lateral (
               select array_agg(r.rolname order by r.rolname) as readers from pg_catalog.pg_roles r
               where r.rolname = any({clients}) and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')) r
             where 'pgmq_public' = any({exposed}) and c.relkind in ('r', 'I') and not c.relrowsecurity
               and c.relname like 'q_%' and r.readers is not null order by 1",
        ),
        ..LINT
    },
    Check {
        name: "fkey_to_auth_unique",
        severity: Severity::Error,
        area: Some(Area::Schema),
        asks: "references to what is unique in `auth` and no primary key",
        says: "`{table}` refers by `{constraint}` to a unique column of the schema `auth`",
        why: "the platform may drop that constraint with any update, and fails to update where something refers to it",
        mend: "alter table {table} drop constraint {constraint}; and refer to auth.users (id)",
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || f.conname as object, c.oid::regclass::text as table,
                    pg_catalog.quote_ident(f.conname) as constraint,
                    'fkey_to_auth_unique_' || n.nspname || '_' || c.relname || '_' || f.conname as key
             from pg_catalog.pg_constraint f
             join pg_catalog.pg_class c on c.oid = f.conrelid
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             join pg_catalog.pg_class t on t.oid = f.confrelid and t.relnamespace = to_regnamespace('auth')
             join pg_catalog.pg_index i on i.indexrelid = f.conindid and i.indisunique and not i.indisprimary
             where f.contype = 'f' order by 1",
        ),
        ..LINT
    },
    Check {
        name: "extension_versions_outdated",
        area: None,
        asks: "extensions that are not of the version that the server has",
        says: "the extension `{object}` is of version {installed}, and the server has {available}",
        why: "faults that the newer version mends, some of which open the database, are still there",
        mend: "alter extension {object} update;",
        how: How::Query(
            "select pg_catalog.quote_ident(x.name) as object, x.installed_version as installed,
                    x.default_version as available,
                    'extension_versions_outdated_' || x.name || '_' || x.installed_version as key
             from pg_catalog.pg_available_extensions x
             where x.installed_version <> x.default_version
               and exists (select from pg_catalog.pg_available_extension_versions v
                           where v.name = x.name and v.installed)
             order by 1",
        ),
        ..LINT
    },
    Check {
        name: "sensitive_columns_exposed",
        severity: Severity::Error,
        asks: "columns with names of secrets and personal data that clients read without row level security",
        says: "`{table}` is read by clients without row level security, and has {columns}",
        why: "what these names promise is what is stolen first",
        mend: "alter table {table} enable row level security;",
        needs: &[Need::Clients],
        how: How::Query(
            "select c.oid::regclass::text as object, c.oid::regclass::text as table,
                    array_agg(distinct a.attname order by a.attname) as columns,
                    'sensitive_columns_exposed_' || n.nspname || '_' || c.relname as key
             from pg_catalog.pg_class c
             join pg_catalog.pg_namespace n
               on n.oid = c.relnamespace and n.nspname = any({exposed}) and n.nspname not in ({platform})
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where c.relkind = 'r' and not c.relrowsecurity
               and exists (select from pg_catalog.pg_roles r where r.rolname = any({clients})
                           and pg_catalog.has_table_privilege(r.oid, c.oid, 'select'))
               and replace(lower(a.attname), '-', '_') ~ ('^('
                 || '2fa_code|2fa_secret|access_token|account_number|activation_key|api_?key|auth_code|auth_key|backup_code|'
                 || 'bank_account|bearer_token|bic|card_number|certificate|credit_card|cvc|cvn|cvv|device_uuid|drivers?_license|'
                 || 'facial_recognition|gpg_key|health_insurance|health_record|iban|imei|insurance_number|jwt|license_key|'
                 || 'license_number|mac_address|macaddr|medical_insurance|medical_record|national_id|oauth_token|otp|'
                 || 'passphrase|passport_id|passport_number|passwd|password|patient_id|pgp_key|private_key|pwd|recovery_code|'
                 || 'refresh_token|routing_number|secret|secret_key|session_id|session_key|session_secret|session_token|'
                 || 'social_security|social_security_number|ssh_key|ssn|swift_code|tax_id|token|treatment|two_factor|'
                 || 'verification_code)$')
             group by c.oid, n.nspname, c.relname order by 1",
        ),
        ..LINT
    },
    Check {
        name: "rls_policy_always_true",
        asks: "policies for writing that let every row through",
        says: "the policy `{policy}` on `{table}` lets every row through for {command}",
        why: "whoever is asked by it writes any row, as without row level security",
        mend: "say in the policy {policy} of {table} whose rows it is about",
        needs: &[Need::Clients],
        how: How::Query(
            "select n.nspname || '.' || c.relname || ' ' || p.polname as object, c.oid::regclass::text as table,
                    p.polname as policy, p.command,
                    'rls_policy_always_true_' || n.nspname || '_' || c.relname || '_' || p.polname as key
             from (select p.*, b.command, b.qual, b.with_check,
                          b.qual ~* '^\\s*\\(?\\s*(true|1\\s*=\\s*1)\\s*\\)?\\s*$' as opens,
                          b.with_check ~* '^\\s*\\(?\\s*(true|1\\s*=\\s*1)\\s*\\)?\\s*$' as takes
                   from pg_catalog.pg_policy p
                   cross join lateral (
                     select case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                              when 'd' then 'delete' else 'all' end as command,
                            pg_catalog.pg_get_expr(p.polqual, p.polrelid) as qual,
                            pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as with_check) b) p
             join pg_catalog.pg_class c on c.oid = p.polrelid and c.relkind = 'r' and c.relrowsecurity
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname not in ({platform})
             where p.polpermissive
               and (p.polroles = '{0}' or exists (select from pg_catalog.pg_roles r
                    where r.rolname = any({clients}) and r.oid = any (p.polroles)))
               and (p.command in ('update', 'delete', 'all') and (p.opens or p.qual is null)
                 or p.takes
                 or p.with_check is null and (p.command = 'insert' or p.command in ('update', 'all') and p.opens))
             order by 1",
        ),
        ..LINT
    },
];
