-- Every law of the database: its kind, its name, its definition. What an extension brings is its own
-- business; what other roles than the application's may is that of whoever runs the database. That a
-- column is given is read from the column: one version lists it among the constraints, another not.
with tables as (
  select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public'
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
), functions as (
  select p.* from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'public'
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
), owner as (
  select relowner as oid from pg_class where oid = 'public.tenancy_tenant'::regclass
), granted as (
  select c.relname::text as of, c.relowner as owner, a.grantee, a.privilege_type, a.is_grantable
  from tables c, aclexplode(c.relacl) a
  union all
  select concat(c.relname, '.', t.attname), c.relowner, a.grantee, a.privilege_type, a.is_grantable
  from pg_attribute t join tables c on c.oid = t.attrelid, aclexplode(t.attacl) a
  union all
  select concat(p.proname, '()'), p.proowner, a.grantee, a.privilege_type, a.is_grantable
  from functions p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  union all
  select concat('what comes, ', d.defaclobjtype), d.defaclrole, a.grantee, a.privilege_type,
    a.is_grantable
  from pg_default_acl d, aclexplode(d.defaclacl) a
), laws (kind, name, said) as (
  select 'role', 'of the application', concat_ws(' ', r.rolsuper, r.rolbypassrls, r.rolcreaterole,
    r.rolcreatedb, r.rolreplication, pg_has_role(r.oid, (select oid from owner), 'member'),
    has_schema_privilege(r.oid, 'public', 'create'),
    has_database_privilege(r.oid, current_database(), 'create'),
    (select count(*) from pg_class where relowner = r.oid))
  from pg_roles r where r.rolname = %(app)s
  union all
  select 'row security', relname::text, concat_ws(' ', relrowsecurity, relforcerowsecurity)
  from tables where relkind in ('r', 'p')
  union all
  select 'policy', concat(c.relname, '.', p.polname), concat_ws(' | ', p.polcmd, p.polpermissive,
    p.polroles::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p join tables c on c.oid = p.polrelid
  union all
  select 'schema', nspname::text, 'beside the public one'
  from pg_namespace n
  where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')
    and not exists (select from pg_depend d where d.objid = n.oid and d.deptype = 'e')
  union all
  select 'setting', concat_ws(' ', coalesce(r.rolname, 'of the database'), split_part(c, '=', 1)), c
  from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
  where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and split_part(c, '=', 1) in ('search_path', 'session_replication_role', 'row_security', 'role')
  union all
  select 'relation', relname::text, concat_ws(' ', relkind, relpersistence,
    case relowner when (select oid from owner) then 'owner' else 'other' end,
    (select count(*) from pg_inherits i where i.inhparent = tables.oid))
  from tables where relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select 'column', concat(c.relname, '.', a.attname), concat_ws(' | ',
    format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'given' end,
    pg_get_expr(d.adbin, d.adrelid), nullif(a.attgenerated, ''), nullif(a.attidentity, ''))
  from pg_attribute a join tables c on c.oid = a.attrelid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
  union all
  select 'rule', concat(tablename, '.', rulename), definition
  from pg_rules where schemaname = 'public'
  union all
  select 'trigger', concat(c.relname, '.', t.tgname), concat_ws(' | ', pg_get_triggerdef(t.oid),
    (select pronamespace::regnamespace from pg_proc p where p.oid = t.tgfoid),
    case t.tgenabled when 'A' then 'O' else t.tgenabled end)
  from pg_trigger t join tables c on c.oid = t.tgrelid where not t.tgisinternal
  union all
  select 'trigger', concat('of the whole database, ', evtname), concat_ws(' | ', evtevent, evtenabled)
  from pg_event_trigger
  union all
  select 'function', concat(p.proname, '(', pg_get_function_identity_arguments(p.oid), ')'),
    concat_ws(' | ', p.prokind, l.lanname, p.prosecdef, p.provolatile, p.proisstrict,
      p.proconfig::text, pg_get_function_result(p.oid), p.prosrc)
  from functions p join pg_language l on l.oid = p.prolang
  union all
  select 'constraint', concat(c.relname, '.', k.conname), concat_ws(' | ', pg_get_constraintdef(k.oid),
    case when exists (select from pg_trigger t
      where t.tgconstraint = k.oid and t.tgenabled not in ('O', 'A')) then 'not looked at' end)
  from pg_constraint k join tables c on c.oid = k.conrelid
  where k.contype in ('c', 'f', 'p', 'u', 'x')
  union all
  select 'constraint', concat(i.relname), concat_ws(' | ', pg_get_indexdef(i.oid), x.indisvalid)
  from pg_index x join tables i on i.oid = x.indexrelid
  where x.indisunique and not exists (select from pg_constraint k where k.conindid = i.oid)
  union all
  select 'grant', concat('of ', g.of, ' to ',
      case g.grantee when 0 then 'all' else 'the application' end),
    string_agg(concat(g.privilege_type, case when g.is_grantable then ' and to grant it' end), ', '
      order by g.privilege_type)
  from granted g
  where g.grantee <> g.owner
    and g.grantee in (0, (select oid from pg_roles where rolname = %(app)s))
  group by g.of, g.grantee
)
select concat_ws(' ', kind, name), said from laws
where %(kinds)s::text[] = '{}' or kind = any (%(kinds)s::text[])
