"""The cascade of the estate's change, whole, beside an independent count of every table."""

from __future__ import annotations

import pytest

from pgrehearse.report.cascade import render_cascade

from .torture import MAJORS, disagreements, load, rehearsed, truth

pytestmark = pytest.mark.majors(*MAJORS)

FAMILY = """
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int, parent int REFERENCES parent ON DELETE CASCADE);
    CREATE TABLE diary (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (OLD.id), ('x'); RETURN NULL; END $$;
    CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER noted AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION note();
    CREATE TRIGGER watches AFTER DELETE ON parent FOR EACH ROW EXECUTE FUNCTION idle();
    INSERT INTO parent VALUES (1), (2);
    INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);
"""

NEW_DOT = """
    INSERT INTO dot_tools (code, name, name_en, description, classification, owner, script_path, token_type, category,
                           status, tier, domain, operation, trigger_type, _dot_origin)
    VALUES ('DOT-CLONE-TEST-COVSCAN', 'Dry coverage scanner', 'Dry coverage scanner',
            'Rollback-only rehearsal of registering a governance coverage scanner DOT. Non-production clone.',
            'governance', 'GOV-DOT', '/nonexistent/dry-run-not-executed.sql', 'none', 'governance', 'published', NULL,
            'governance', 'coverage_scan', 'manual', 'DIRECTUS')
"""

BIRTH_PICTURE = """\
line 2
`- public.dot_tools  +1
   |- trigger birth_trigger_dot_tools, function public.fn_birth_registry_auto
   |  `- public.birth_registry  +1
   |- trigger trg_desc_provenance_dot_tools, function public.fn_auto_label_provenance
   |  `- public.entity_labels  +1
   |     `- trigger birth_trigger_entity_labels, function public.fn_birth_registry_auto
   |        `- public.birth_registry  +1
   |- trigger trg_label_assign_dot_tools, function public.fn_auto_label_assignment
   |  `- public.entity_labels  +3
   |     `- trigger birth_trigger_entity_labels, function public.fn_birth_registry_auto
   |        `- public.birth_registry  +3
   |- trigger trg_refresh_dot_count, function public.fn_refresh_dot_count
   |  `- public.meta_catalog  ~1
   |     `- trigger trg_refresh_registry_views, function public.trg_fn_refresh_registry_views
   |        |- public.v_registry_counts  +152
   |        |- public.v_registry_counts  -152 truncated
   |        |- public.v_registry_summary  +1
   |        `- public.v_registry_summary  -1 truncated
   `- trigger trg_refresh_orphan_dot, function public.trg_fn_refresh_orphan_dot
      `- public.meta_catalog  ~1
         `- trigger trg_refresh_registry_views, function public.trg_fn_refresh_registry_views
            |- public.v_registry_counts  +152
            |- public.v_registry_counts  -152 truncated
            |- public.v_registry_summary  +1
            `- public.v_registry_summary  -1 truncated
"""
"""One DOT birth, four labels, four births of labels, two catalog updates, the refreshed count tables."""

PICTURE = """\
line 1
`- public.parent  -1
   `- foreign key child_parent_fkey
      `- public.child  -2
         `- trigger noted, function public.note
            `- public.diary  +4
Fired, and changed no other row
  trigger watches, function public.idle on public.parent: 1 call
"""


def test_the_picture_shows_who_changed_what(plain_database: str) -> None:
    load(plain_database, FAMILY)

    evidence = rehearsed(plain_database, "DELETE FROM parent WHERE id = 1")

    assert render_cascade(evidence) == PICTURE


def test_nothing_changed_is_said_in_words(plain_database: str) -> None:
    evidence = rehearsed(plain_database, "SELECT 1")

    assert render_cascade(evidence) == "No row changed, or one pass only: causes are not known.\n"


def test_the_seed_s_change_shows_its_whole_cascade(estate_database: str) -> None:
    evidence = rehearsed(estate_database, NEW_DOT)

    picture, _, idle = render_cascade(evidence).partition("Fired, and changed no other row\n")
    assert picture == BIRTH_PICTURE
    assert (
        "trigger trg_birth_dot_tools, function public.fn_birth_registry_auto on public.dot_tools: 1 call"
        in idle
    )
    before, after = truth(estate_database, NEW_DOT)
    assert disagreements(evidence, before, after) == []
