-- The 309 tools. Everything follows from the row's number i: no clock, no chance.
--
-- i * k % 309 with a k that shares no divisor with 309 = 3 * 103 takes each value from 0 to 308 once.
-- "rank < 291" so means: exactly 291 rows, spread over the table. Each property has a k of its own.

INSERT INTO dot_tools (
    status, user_created, date_created, code, name, name_en, description, classification, owner,
    script_path, token_type, category, usage_count, _dot_origin, tier, domain, operation, paired_dot,
    trigger_type, cron_schedule, file_path, last_executed, coverage_status, extra_metadata
)
WITH duty AS (
    SELECT domain,
           operation,
           row_number() OVER (ORDER BY domain COLLATE "C", operation COLLATE "C") - 1 AS n
    FROM dot_coverage_required
),
operation AS (
    SELECT code, row_number() OVER (ORDER BY code COLLATE "C") - 1 AS n
    FROM dot_operations
),
domain AS (
    -- 35 of the 46 domains are in use, among them those with a coverage duty.
    SELECT code,
           row_number() OVER (ORDER BY code IN (SELECT domain FROM duty) DESC, code COLLATE "C") - 1 AS n
    FROM dot_domains
),
ranked AS (
    SELECT i,
           i * 100 % 309 AS status_rank,
           i * 17 % 309 AS tier_rank,
           i * 50 % 309 AS operation_rank,
           i * 71 % 309 AS path_rank,
           i * 88 % 309 AS coverage_rank,
           i * 137 % 309 AS origin_rank
    FROM generate_series(1, 309) AS i
),
tool AS (
    SELECT ranked.*,
           CASE WHEN tier_rank < 60 THEN 'A' WHEN tier_rank < 290 THEN 'B' END AS tier,
           COALESCE(duty.domain, domain.code) AS domain,
           COALESCE(duty.operation, operation.code) AS operation,
           -- The last 45 rows repeat the names of the first 45.
           CASE WHEN i > 264 THEN i - 264 ELSE i END AS name_number,
           (ARRAY['manual', 'cron', 'on-demand', 'event', 'on-deploy', 'dual'])[1 + i % 6] AS trigger_type
    FROM ranked
    -- 50 rows have an operation; the first eleven of them take the coverage duties.
    LEFT JOIN duty ON duty.n = operation_rank
    LEFT JOIN operation ON operation_rank < 50 AND operation.n = operation_rank % 20
    JOIN domain ON domain.n = i % 35
),
named AS (
    SELECT tool.*,
           (ARRAY['Scanner', 'Reporter', 'Builder', 'Keeper', 'Verifier', 'Importer'])[1 + name_number % 6]
               || to_char(name_number, ' FM000') AS name,
           CASE
               WHEN i <= 240 THEN to_char(i, '"DOT-"FM000')
               WHEN i <= 246 THEN (ARRAY[
                   'DOT-IU-CUTTER', 'DOT-TAC-BIRTH-VERIFY', 'DOT_KG_EXPLAIN', 'DOT_KG_EXPLAIN_VERIFY',
                   'DOT-CONTEXT-PACK-BUILD', 'DOT-CONTEXT-PACK-VERIFY'
               ])[i - 240]
               ELSE 'DOT-' || upper(replace(domain, '.', '-')) || '-' || i
           END AS code
    FROM tool
),
writer AS (
    SELECT code, row_number() OVER (ORDER BY i) AS n
    FROM named
    WHERE tier = 'B'
),
reader AS (
    SELECT code, row_number() OVER (ORDER BY i) AS n
    FROM named
    WHERE tier = 'A'
),
-- 131 tools of tier B are paired with one of tier A; the law wants all of them to be.
pair AS (
    SELECT writer.code AS writer_code, reader.code AS reader_code
    FROM writer
    JOIN reader ON reader.n = 1 + writer.n % 60
    WHERE writer.n <= 131
)
SELECT CASE WHEN status_rank < 291 THEN 'active' WHEN status_rank < 307 THEN 'published' END,
       '00000000-0000-4000-8000-000000000002',
       timestamp '2026-01-05 08:00:00' + make_interval(hours => 3 * i),
       code,
       name,
       name,
       format('%s works on the domain %s and reports what it has done.', name, domain),
       split_part(domain, '.', 1),
       (ARRAY['GOV-DOT', 'GOV-DATA', 'OPS', 'KNOWLEDGE'])[1 + i % 4],
       lower(replace(code, '_', '-')) || '.sh',
       'none',
       -- 140 live rows lack a category: the estate calls them orphans.
       CASE WHEN status_rank >= 140 THEN split_part(domain, '.', 1) END,
       i * 7 % 50,
       CASE
           WHEN origin_rank < 250 THEN 'DIRECTUS'
           WHEN origin_rank < 290 THEN 'LEGACY'
           WHEN origin_rank < 300 THEN 'MIGRATION'
           ELSE 'DOT-001|codex'
       END,
       tier,
       domain,
       operation,
       reader_code,
       trigger_type,
       CASE WHEN trigger_type IN ('cron', 'dual') THEN format('%s */6 * * *', i % 60) END,
       CASE
           WHEN path_rank < 163 THEN 'bin/dot/'
           WHEN path_rank < 226 THEN 'opt/incomex/dot/bin/'
           WHEN path_rank < 228 THEN 'dot/'
       END || lower(replace(code, '_', '-')) || '.sh',
       CASE
           WHEN trigger_type IN ('cron', 'dual')
           THEN timestamptz '2026-06-01 00:00:00+00' + make_interval(mins => i % 360)
       END,
       CASE
           WHEN coverage_rank < 103 THEN NULL
           ELSE (ARRAY['covered', 'partial', 'uncovered'])[1 + coverage_rank % 3]
       END,
       jsonb_build_object('batch', 1 + i / 50)
FROM named
LEFT JOIN pair ON writer_code = code
ORDER BY i;

INSERT INTO dot_tools_domain_backup (code, domain, backed_up_at)
SELECT code, domain, '2026-05-13 00:00:00+00'
FROM dot_tools
ORDER BY id;

INSERT INTO law_dot_enforcement (law_code, dot_code, enforcement)
SELECT format('LAW-%s', 24 + id % 20),
       code,
       (ARRAY['report', 'warn', 'block'])[1 + id % 3]
FROM dot_tools
WHERE id <= 272
ORDER BY id;
