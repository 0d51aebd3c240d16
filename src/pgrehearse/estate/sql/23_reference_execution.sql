-- Reference data of execution: 54 commands, the ledger's 55 runs, two contracts, no lease.

INSERT INTO dot_iu_command_catalog (
    command_name, category, mutating, reversible, target_functions, registered_at
)
SELECT command.*, '2026-05-20 08:00:00+00'::timestamptz
FROM (
    VALUES
        ('collection.create', 'collection', true, true, '{fn_iu_collection_create}'::text[]),
        ('collection.rename', 'collection', true, false, '{fn_iu_collection_rename}'),
        ('collection.describe', 'collection', true, true, '{fn_iu_collection_describe}'),
        ('collection.archive', 'collection', true, false, '{fn_iu_collection_archive}'),
        ('collection.revive', 'collection', true, true, '{fn_iu_collection_revive}'),
        ('collection.add_field', 'collection', true, true, '{fn_iu_collection_add_field}'),
        ('collection.drop_field', 'collection', true, false, '{fn_iu_collection_drop_field}'),
        ('collection.rename_field', 'collection', true, true, '{fn_iu_collection_rename_field}'),
        ('collection.set_policy', 'collection', true, true, '{fn_iu_collection_set_policy}'),
        ('collection.set_owner', 'collection', true, false, '{fn_iu_collection_set_owner}'),
        ('collection.attach_pivot', 'collection', true, true, '{fn_iu_collection_attach_pivot}'),
        ('collection.detach_pivot', 'collection', true, true, '{fn_iu_collection_detach_pivot}'),
        ('piece.create', 'piece', true, true, '{fn_iu_piece_create}'),
        ('piece.edit', 'piece', true, true, '{fn_iu_piece_edit}'),
        ('piece.move', 'piece', true, true, '{fn_iu_piece_move}'),
        ('piece.split', 'piece', true, false, '{fn_iu_piece_split}'),
        ('piece.merge', 'piece', true, false, '{fn_iu_piece_merge}'),
        ('piece.copy', 'piece', true, true, '{fn_iu_piece_copy}'),
        ('piece.link', 'piece', true, true, '{fn_iu_piece_link}'),
        ('piece.unlink', 'piece', true, true, '{fn_iu_piece_unlink}'),
        ('piece.reorder', 'piece', true, true, '{fn_iu_piece_reorder}'),
        ('piece.label', 'piece', true, true, '{fn_iu_piece_label}'),
        ('piece.unlabel', 'piece', true, true, '{fn_iu_piece_unlabel}'),
        ('piece.lock', 'piece', true, true, '{fn_iu_piece_lock}'),
        ('piece.unlock', 'piece', true, true, '{fn_iu_piece_unlock}'),
        ('piece.publish', 'piece', true, false, '{fn_iu_piece_publish}'),
        ('piece.retract', 'piece', true, true, '{fn_iu_piece_retract}'),
        ('piece.delete', 'piece', true, false, '{fn_iu_piece_delete}'),
        ('lifecycle.draft', 'lifecycle', true, true, '{fn_iu_lifecycle_draft}'),
        ('lifecycle.submit', 'lifecycle', true, true, '{fn_iu_lifecycle_submit}'),
        ('lifecycle.approve', 'lifecycle', true, false, '{fn_iu_lifecycle_approve}'),
        ('lifecycle.reject', 'lifecycle', true, false, '{fn_iu_lifecycle_reject}'),
        ('lifecycle.activate', 'lifecycle', true, true, '{fn_iu_lifecycle_activate}'),
        ('lifecycle.suspend', 'lifecycle', true, true, '{fn_iu_lifecycle_suspend}'),
        ('lifecycle.resume', 'lifecycle', true, true, '{fn_iu_lifecycle_resume}'),
        ('lifecycle.retire', 'lifecycle', true, false, '{fn_iu_lifecycle_retire}'),
        ('lifecycle.reopen', 'lifecycle', true, true, '{fn_iu_lifecycle_reopen}'),
        ('lifecycle.certify', 'lifecycle', true, false, '{fn_iu_lifecycle_certify}'),
        ('lifecycle.finalize', 'lifecycle', true, false, '{fn_iu_lifecycle_finalize}'),
        ('read.get', 'read', false, true, '{fn_iu_read_get}'),
        ('read.list', 'read', false, true, '{fn_iu_read_list}'),
        ('read.search', 'read', false, true, '{fn_iu_read_search}'),
        ('read.count', 'read', false, true, '{fn_iu_read_count}'),
        ('read.history', 'read', false, true, '{fn_iu_read_history}'),
        ('read.diff', 'read', false, true, '{fn_iu_read_diff}'),
        ('read.tree', 'read', false, true, '{fn_iu_read_tree}'),
        ('read.export', 'read', false, true, '{fn_iu_read_export}'),
        ('read.explain', 'read', false, true, '{fn_iu_read_explain}'),
        ('health.ping', 'health', false, true, '{fn_iu_health_ping}'),
        ('health.gates', 'health', false, true, '{fn_iu_health_gates}'),
        ('health.lease', 'health', false, true, '{fn_iu_health_lease}'),
        ('health.ledger', 'health', false, true, '{fn_iu_health_ledger}'),
        ('health.catalog', 'health', false, true, '{fn_iu_health_catalog}'),
        ('health.orphans', 'health', false, true, '{fn_iu_health_orphans}')
) AS command (command_name, category, mutating, reversible, target_functions);

-- Each kind of run takes the catalogue's commands of its sort in turn.
INSERT INTO dot_iu_command_run (
    command_name, run_mode, run_status, mutating, params_digest, gate_snapshot, evidence, actor, created_at
)
SELECT command.command_name,
       kind.run_mode,
       kind.run_status,
       kind.mutating,
       md5(format('%s %s', kind.place, n)),
       jsonb_build_object(
           'iu_core.operator_runtime_enabled',
           kind.run_mode = 'apply' AND kind.run_status <> 'refused'
       ),
       '{}',
       'operator',
       timestamptz '2026-05-25 06:00:00+00' + make_interval(hours => kind.place * 20 + n)
FROM (
    VALUES
        (1, 20, 'verify', 'verified', false),
        (2, 19, 'apply', 'applied', true),
        (3, 5, 'verify', 'verified', true),
        (4, 3, 'apply', 'refused', true),
        (5, 2, 'plan', 'refused', true),
        (6, 4, 'plan', 'planned', true),
        (7, 2, 'apply', 'failed', true)
) AS kind (place, size, run_mode, run_status, mutating)
CROSS JOIN LATERAL generate_series(1, kind.size) AS n
JOIN (
    SELECT command_name,
           mutating,
           row_number() OVER (PARTITION BY mutating ORDER BY command_name COLLATE "C") AS place,
           count(*) OVER (PARTITION BY mutating) AS size
    FROM dot_iu_command_catalog
) AS command ON command.mutating = kind.mutating AND command.place = 1 + n % command.size
ORDER BY kind.place, n;

INSERT INTO dot_agent_api_contract (dot_code, role, paired_dot, mode, output_namespace)
VALUES
    ('DOT_KG_EXPLAIN', 'producer', 'DOT_KG_EXPLAIN_VERIFY', 'PLAN_ONLY', 'DRYRUN-NS:kg-explain'),
    ('DOT_KG_EXPLAIN_VERIFY', 'verifier', 'DOT_KG_EXPLAIN', 'VERIFY_ONLY', 'DRYRUN-NS:kg-explain');
