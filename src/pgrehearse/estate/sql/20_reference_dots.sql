-- Reference data beside the registry: users, vocabulary, coverage duties, settings.

INSERT INTO directus_users (id, email, first_name)
VALUES
    ('00000000-0000-4000-8000-000000000001', 'admin@estate.example', 'Admin'),
    ('00000000-0000-4000-8000-000000000002', 'registrar@estate.example', 'Registrar'),
    ('00000000-0000-4000-8000-000000000003', 'auditor@estate.example', 'Auditor');

INSERT INTO dot_operations (code, description)
VALUES
    ('audit', 'Examine and report deviations'),
    ('backup', 'Keep a copy'),
    ('build', 'Make a derived object'),
    ('cleanup', 'Remove what is no longer needed'),
    ('create', 'Make a new object'),
    ('delete', 'Remove an object'),
    ('execute', 'Carry out an approved proposal'),
    ('health', 'Say whether it works'),
    ('migrate', 'Move to a new shape'),
    ('notify', 'Tell somebody'),
    ('propose', 'Ask for approval'),
    ('read', 'Read without change'),
    ('refresh', 'Bring a derived object up to date'),
    ('register', 'Enter into a registry'),
    ('report', 'Summarise'),
    ('restore', 'Bring a copy back'),
    ('scan', 'Look for what is missing'),
    ('sync', 'Make two places equal'),
    ('update', 'Change an object'),
    ('verify', 'Prove that a state holds');

INSERT INTO dot_domains (code, description)
VALUES
    ('governance', 'Rules, roles and their owners'),
    ('governance.approval', 'Proposals and their approval'),
    ('governance.law', 'Laws and their enforcement'),
    ('governance.label', 'Labels and their vocabulary'),
    ('governance.ownership', 'Who owns which object'),
    ('birth', 'Births of governed rows'),
    ('birth.orphan', 'Rows that were never born'),
    ('birth.registry', 'The birth registry itself'),
    ('birth.permit', 'Permits to be born'),
    ('monitoring', 'What is watched'),
    ('monitoring.dot', 'The tools themselves'),
    ('monitoring.host', 'Hosts and disks'),
    ('monitoring.queue', 'Queues and workers'),
    ('collection', 'Collections and their fields'),
    ('collection.schema', 'Shape of collections'),
    ('collection.pivot', 'Pivots over collections'),
    ('catalog', 'The catalogue of collections'),
    ('catalog.count', 'Counters and their refresh'),
    ('context', 'Context for agents'),
    ('context.pack', 'Context packs'),
    ('knowledge', 'Knowledge documents'),
    ('knowledge.index', 'The search index'),
    ('knowledge.graph', 'The knowledge graph'),
    ('knowledge.vector', 'Vectors of documents'),
    ('content', 'Content of pages'),
    ('content.page', 'Pages'),
    ('content.media', 'Pictures and files'),
    ('workflow', 'Workflows and their steps'),
    ('workflow.task', 'Tasks'),
    ('workflow.checkpoint', 'Checkpoints'),
    ('agent', 'Agents'),
    ('agent.prompt', 'Prompts of agents'),
    ('agent.api', 'What agents may call'),
    ('integration', 'Links to other systems'),
    ('integration.git', 'Repositories'),
    ('integration.mail', 'Mail'),
    ('deploy', 'Deployment'),
    ('deploy.config', 'Settings of a deployment'),
    ('backup', 'Backups'),
    ('backup.restore', 'Restores'),
    ('security', 'Access and secrets'),
    ('security.role', 'Roles and grants'),
    ('security.audit', 'Audit trail'),
    ('data', 'Data at rest'),
    ('data.quality', 'Quality of data'),
    ('data.migration', 'Migrations of data');

-- One rule for each domain by the script's name, and for 21 of them one by its folder: 67 in all.
INSERT INTO dot_domain_rules (domain, pattern, priority)
SELECT code, 'dot-' || replace(code, '.', '-') || '-%', 10
FROM dot_domains
ORDER BY code COLLATE "C";

INSERT INTO dot_domain_rules (domain, pattern, priority)
SELECT code, 'bin/dot/' || replace(code, '.', '/') || '/%', 20
FROM dot_domains
ORDER BY code COLLATE "C"
LIMIT 21;

INSERT INTO dot_coverage_required (domain, operation, tier, description)
VALUES
    ('governance.approval', 'propose', 'A', 'A proposal can be made'),
    ('governance.approval', 'execute', 'B', 'An approved proposal can be carried out'),
    ('governance.approval', 'health', 'A', 'The approval chain works'),
    ('birth.orphan', 'scan', 'A', 'Unborn rows are found'),
    ('birth.registry', 'verify', 'A', 'Births agree with their rows'),
    ('monitoring.dot', 'health', 'A', 'Each tool works'),
    ('monitoring.dot', 'report', 'A', 'The state of all tools is summarised'),
    ('monitoring.dot', 'register', 'B', 'Tools can be registered'),
    ('collection', 'health', 'A', 'Each collection can be read'),
    ('collection', 'create', 'B', 'Collections can be made'),
    ('collection', 'refresh', 'B', 'Collections can be brought up to date');

INSERT INTO dot_config (key, value, description)
VALUES
    ('context_pack_dot_register_watch_tiers', '["A", "B", "C"]',
     'Tiers whose active tools are announced on context_pack_event'),
    ('desc_guard_mode', '"warn"',
     'What the description guard does with a poor description: off, warn or block'),
    ('desc_guard_min_length', '30',
     'Fewest characters of a description'),
    ('desc_guard_require_vietnamese', 'false',
     'Whether a description must be written in accented Vietnamese'),
    ('desc_template_dot_tools', '"{name}: a tool of domain {domain}, registered as {code}."',
     'Description of a tool that came without one'),
    ('iu_core.operator_runtime_enabled', 'false',
     'Gate: the operator runtime may apply commands'),
    ('iu_core.composer_enabled', 'false',
     'Gate: commands may compose pieces'),
    ('iu_core.structure_ops_enabled', 'false',
     'Gate: commands may change structures');
