CREATE TABLE catalogue_identity (
    id BIGINT DEFAULT 1 NOT NULL,
    uuid VARCHAR(36) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_catalogue_identity PRIMARY KEY (id),
    CONSTRAINT ck_catalogue_identity_one_row CHECK (id = 1)
)
-- next
CREATE TABLE configuration (
    id BIGSERIAL NOT NULL,
    digest BYTEA NOT NULL,
    source_text VARCHAR NOT NULL,
    in_force_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_configuration PRIMARY KEY (id),
    CONSTRAINT uq_configuration_digest UNIQUE (digest)
)
-- next
CREATE TABLE experimenter_group (
    id BIGSERIAL NOT NULL,
    name VARCHAR(255) NOT NULL,
    description VARCHAR,
    permissions VARCHAR(16) NOT NULL,
    source VARCHAR(8) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_experimenter_group PRIMARY KEY (id),
    CONSTRAINT ck_experimenter_group_permissions CHECK (permissions IN ('private', 'read-only', 'read-annotate', 'read-write')),
    CONSTRAINT ck_experimenter_group_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT uq_experimenter_group_name UNIQUE (name)
)
-- next
CREATE TABLE instance (
    id BIGSERIAL NOT NULL,
    host VARCHAR NOT NULL,
    pid INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_instance PRIMARY KEY (id)
)
-- next
CREATE TABLE reason (
    id BIGSERIAL NOT NULL,
    sentence VARCHAR NOT NULL,
    sentence_hash BYTEA NOT NULL,
    CONSTRAINT pk_reason PRIMARY KEY (id),
    CONSTRAINT uq_reason_sentence_hash UNIQUE (sentence_hash)
)
-- next
CREATE TABLE root (
    id BIGSERIAL NOT NULL,
    name VARCHAR(255) NOT NULL,
    path BYTEA NOT NULL,
    role VARCHAR(16) NOT NULL,
    identity JSON,
    availability VARCHAR(16) NOT NULL,
    reason VARCHAR,
    last_pass_started_at TIMESTAMP WITH TIME ZONE,
    last_pass_ended_at TIMESTAMP WITH TIME ZONE,
    overflow_count INTEGER NOT NULL,
    CONSTRAINT pk_root PRIMARY KEY (id),
    CONSTRAINT ck_root_availability CHECK (availability IN ('available', 'unavailable', 'braked', 'retired')),
    CONSTRAINT ck_root_role CHECK (role IN ('acquisition', 'storage')),
    CONSTRAINT uq_root_name UNIQUE (name)
)
-- next
CREATE TABLE verification (
    id BIGSERIAL NOT NULL,
    via VARCHAR(16) NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    checked BIGINT NOT NULL,
    bytes_read BIGINT NOT NULL,
    damaged BIGINT NOT NULL,
    missing BIGINT NOT NULL,
    CONSTRAINT pk_verification PRIMARY KEY (id)
)
-- next
CREATE TABLE directory (
    id BIGSERIAL NOT NULL,
    root_id BIGINT NOT NULL,
    path BYTEA NOT NULL,
    path_hash BYTEA NOT NULL,
    last_pass_at TIMESTAMP WITH TIME ZONE,
    is_listed_whole BOOLEAN DEFAULT false NOT NULL,
    problem VARCHAR,
    CONSTRAINT pk_directory PRIMARY KEY (id),
    CONSTRAINT uq_directory_root_id_path_hash UNIQUE (root_id, path_hash),
    CONSTRAINT fk_directory_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE TABLE experimenter (
    id BIGSERIAL NOT NULL,
    name VARCHAR(255) NOT NULL,
    full_name VARCHAR,
    email VARCHAR,
    is_administrator BOOLEAN NOT NULL,
    administrator_source VARCHAR(8),
    has_login BOOLEAN NOT NULL,
    default_group_id BIGINT,
    source VARCHAR(8) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_experimenter PRIMARY KEY (id),
    CONSTRAINT ck_experimenter_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT uq_experimenter_name UNIQUE (name),
    CONSTRAINT fk_experimenter_default_group_id FOREIGN KEY(default_group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE TABLE group_alias (
    alias VARCHAR(255) NOT NULL,
    group_id BIGINT NOT NULL,
    source VARCHAR(8) NOT NULL,
    CONSTRAINT pk_group_alias PRIMARY KEY (alias),
    CONSTRAINT fk_group_alias_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id) ON DELETE CASCADE
)
-- next
CREATE TABLE annotation (
    id BIGSERIAL NOT NULL,
    kind VARCHAR(8) NOT NULL,
    namespace VARCHAR,
    value VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    made_by VARCHAR(8) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_annotation PRIMARY KEY (id),
    CONSTRAINT ck_annotation_kind CHECK (kind IN ('tag', 'map', 'comment', 'file')),
    CONSTRAINT ck_annotation_has_value CHECK (kind = 'map' OR value IS NOT NULL),
    CONSTRAINT ck_annotation_made_by CHECK (made_by IN ('hand', 'rule')),
    CONSTRAINT uq_annotation_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_annotation_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_annotation_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE INDEX ix_annotation_value ON annotation (group_id, kind, substr(value, 1, 200))
-- next
CREATE TABLE assignment (
    id BIGSERIAL NOT NULL,
    root_id BIGINT NOT NULL,
    path BYTEA NOT NULL,
    path_hash BYTEA NOT NULL,
    targets JSON NOT NULL,
    made_by_id BIGINT,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_assignment PRIMARY KEY (id),
    CONSTRAINT fk_assignment_root_id FOREIGN KEY(root_id) REFERENCES root (id),
    CONSTRAINT fk_assignment_made_by_id FOREIGN KEY(made_by_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_assignment_path ON assignment (root_id, path_hash)
-- next
CREATE TABLE dataset (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    origin_key BYTEA,
    CONSTRAINT pk_dataset PRIMARY KEY (id),
    CONSTRAINT uq_dataset_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_dataset_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_dataset_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_dataset_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_dataset_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_dataset_page ON dataset (group_id, id)
-- next
CREATE TABLE event (
    id BIGSERIAL NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_id BIGINT,
    acting_as_id BIGINT,
    account VARCHAR(255),
    via VARCHAR(16) NOT NULL,
    what VARCHAR(32) NOT NULL,
    object_type VARCHAR(20),
    object_id BIGINT,
    fileset_id BIGINT,
    root_id BIGINT,
    path_hash BYTEA,
    before JSON,
    after JSON,
    configuration_id BIGINT,
    CONSTRAINT pk_event PRIMARY KEY (id),
    CONSTRAINT fk_event_actor_id FOREIGN KEY(actor_id) REFERENCES experimenter (id),
    CONSTRAINT fk_event_acting_as_id FOREIGN KEY(acting_as_id) REFERENCES experimenter (id),
    CONSTRAINT fk_event_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id)
)
-- next
CREATE INDEX ix_event_fileset_id ON event (fileset_id, id)
-- next
CREATE INDEX ix_event_object ON event (object_type, object_id, id)
-- next
CREATE INDEX ix_event_path ON event (root_id, path_hash, id)
-- next
CREATE TABLE experimenter_alias (
    alias VARCHAR(255) NOT NULL,
    experimenter_id BIGINT NOT NULL,
    source VARCHAR(8) NOT NULL,
    CONSTRAINT pk_experimenter_alias PRIMARY KEY (alias),
    CONSTRAINT fk_experimenter_alias_experimenter_id FOREIGN KEY(experimenter_id) REFERENCES experimenter (id) ON DELETE CASCADE
)
-- next
CREATE TABLE fileset (
    id BIGSERIAL NOT NULL,
    root_id BIGINT NOT NULL,
    grouping VARCHAR(8) DEFAULT 'file' NOT NULL,
    is_unread_index BOOLEAN DEFAULT false NOT NULL,
    key BYTEA NOT NULL,
    placement JSON NOT NULL,
    owner_id BIGINT,
    group_id BIGINT,
    seen_digest BYTEA NOT NULL,
    done_digest BYTEA,
    due_at TIMESTAMP WITH TIME ZONE,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    stalled_reason VARCHAR,
    waits_for VARCHAR,
    marker VARCHAR,
    neighbour BYTEA,
    plate_key BYTEA,
    generation INTEGER NOT NULL,
    filed_by VARCHAR(8) NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    removed_by_id BIGINT,
    is_partial BOOLEAN DEFAULT false NOT NULL,
    owner_differs JSON,
    CONSTRAINT pk_fileset PRIMARY KEY (id),
    CONSTRAINT uq_fileset_root_id_key UNIQUE (root_id, key),
    CONSTRAINT ck_fileset_filed_by CHECK (filed_by IN ('rule', 'hand')),
    CONSTRAINT ck_fileset_grouping CHECK (grouping IN ('file', 'names', 'index')),
    CONSTRAINT fk_fileset_root_id FOREIGN KEY(root_id) REFERENCES root (id),
    CONSTRAINT fk_fileset_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_fileset_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_fileset_removed_by_id FOREIGN KEY(removed_by_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_fileset_due ON fileset (due_at) WHERE due_at IS NOT NULL
-- next
CREATE INDEX ix_fileset_marker ON fileset (root_id, marker) WHERE marker IS NOT NULL
-- next
CREATE INDEX ix_fileset_neighbour ON fileset (neighbour) WHERE neighbour IS NOT NULL
-- next
CREATE INDEX ix_fileset_plate_key ON fileset (plate_key) WHERE plate_key IS NOT NULL
-- next
CREATE INDEX ix_fileset_unread_index ON fileset (root_id, is_unread_index) WHERE is_unread_index
-- next
CREATE INDEX ix_fileset_waits_for ON fileset (due_at) WHERE waits_for IS NOT NULL
-- next
CREATE TABLE membership (
    experimenter_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    source VARCHAR(8) NOT NULL,
    is_owner BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    until_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_membership PRIMARY KEY (experimenter_id, group_id, source),
    CONSTRAINT ck_membership_source CHECK (source IN ('file', 'hand', 'system')),
    CONSTRAINT fk_membership_experimenter_id FOREIGN KEY(experimenter_id) REFERENCES experimenter (id),
    CONSTRAINT fk_membership_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE INDEX ix_membership_group_id ON membership (group_id)
-- next
CREATE TABLE plate (
    rows INTEGER,
    columns INTEGER,
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    origin_key BYTEA,
    CONSTRAINT pk_plate PRIMARY KEY (id),
    CONSTRAINT uq_plate_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_plate_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_plate_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_plate_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_plate_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_plate_page ON plate (group_id, id)
-- next
CREATE TABLE project (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    origin_key BYTEA,
    CONSTRAINT pk_project PRIMARY KEY (id),
    CONSTRAINT uq_project_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_project_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_project_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_project_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_project_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_project_page ON project (group_id, id)
-- next
CREATE TABLE request (
    id BIGSERIAL NOT NULL,
    kind VARCHAR(16) NOT NULL,
    arguments JSON NOT NULL,
    actor_id BIGINT,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state VARCHAR(8) NOT NULL,
    answer JSON,
    answered_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_request PRIMARY KEY (id),
    CONSTRAINT ck_request_state CHECK (state IN ('asked', 'taken', 'done', 'failed')),
    CONSTRAINT fk_request_actor_id FOREIGN KEY(actor_id) REFERENCES experimenter (id)
)
-- next
CREATE TABLE screen (
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    origin_key BYTEA,
    CONSTRAINT pk_screen PRIMARY KEY (id),
    CONSTRAINT uq_screen_id_group_id UNIQUE (id, group_id),
    CONSTRAINT fk_screen_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_screen_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_screen_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT uq_screen_origin_key UNIQUE (origin_key)
)
-- next
CREATE INDEX ix_screen_page ON screen (group_id, id)
-- next
CREATE TABLE image (
    fileset_id BIGINT NOT NULL,
    series INTEGER NOT NULL,
    acquired_at TIMESTAMP WITH TIME ZONE,
    size_x BIGINT NOT NULL,
    size_y BIGINT NOT NULL,
    size_z INTEGER NOT NULL,
    size_c INTEGER NOT NULL,
    size_t INTEGER NOT NULL,
    pixels_type VARCHAR(16) NOT NULL,
    significant_bits INTEGER,
    is_rgb BOOLEAN DEFAULT false NOT NULL,
    physical_size_x_um DOUBLE PRECISION,
    physical_size_y_um DOUBLE PRECISION,
    physical_size_z_um DOUBLE PRECISION,
    time_increment_s DOUBLE PRECISION,
    acquisition JSON,
    format VARCHAR(64) NOT NULL,
    rule VARCHAR,
    is_partial BOOLEAN DEFAULT false NOT NULL,
    pixels_replaced_at TIMESTAMP WITH TIME ZONE,
    named_by VARCHAR(8) NOT NULL,
    id BIGSERIAL NOT NULL,
    name VARCHAR NOT NULL,
    description VARCHAR,
    owner_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_by VARCHAR NOT NULL,
    configuration_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_image PRIMARY KEY (id),
    CONSTRAINT uq_image_id_group_id UNIQUE (id, group_id),
    CONSTRAINT uq_image_fileset_id_series UNIQUE (fileset_id, series),
    CONSTRAINT ck_image_pixels_type CHECK (pixels_type IN ('uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float', 'double', 'complex', 'double-complex', 'bit')),
    CONSTRAINT ck_image_sizes CHECK (size_x > 0 AND size_y > 0 AND size_z > 0 AND size_c > 0 AND size_t > 0),
    CONSTRAINT ck_image_named_by CHECK (named_by IN ('rule', 'hand')),
    CONSTRAINT fk_image_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_image_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id),
    CONSTRAINT fk_image_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id),
    CONSTRAINT fk_image_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id)
)
-- next
CREATE INDEX ix_image_newest ON image (created_at, id)
-- next
CREATE INDEX ix_image_own_page ON image (owner_id, group_id, created_at, id)
-- next
CREATE INDEX ix_image_page ON image (group_id, created_at, id)
-- next
CREATE TABLE job (
    fileset_id BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    digest BYTEA NOT NULL,
    priority INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    attempts INTEGER NOT NULL,
    deaths INTEGER DEFAULT 0 NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE,
    claim INTEGER NOT NULL,
    instance_id BIGINT,
    reason VARCHAR,
    CONSTRAINT pk_job PRIMARY KEY (fileset_id, kind),
    CONSTRAINT ck_job_kind CHECK (kind IN ('import', 'hash', 'verify', 'render')),
    CONSTRAINT ck_job_state CHECK (state IN ('ready', 'started', 'waiting', 'quarantined')),
    CONSTRAINT fk_job_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_job_instance_id FOREIGN KEY(instance_id) REFERENCES instance (id)
)
-- next
CREATE INDEX ix_job_order ON job (state, priority, fileset_id)
-- next
CREATE TABLE map_pair (
    annotation_id BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    key VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    CONSTRAINT pk_map_pair PRIMARY KEY (annotation_id, ordinal),
    CONSTRAINT fk_map_pair_annotation_id FOREIGN KEY(annotation_id) REFERENCES annotation (id) ON DELETE CASCADE
)
-- next
CREATE INDEX ix_map_pair_key ON map_pair (substr(key, 1, 200), substr(value, 1, 200))
-- next
CREATE TABLE named_file (
    fileset_id BIGINT NOT NULL,
    path_hash BYTEA NOT NULL,
    root_id BIGINT NOT NULL,
    path BYTEA NOT NULL,
    is_needed BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_named_file PRIMARY KEY (fileset_id, path_hash),
    CONSTRAINT fk_named_file_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id) ON DELETE CASCADE,
    CONSTRAINT fk_named_file_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE INDEX ix_named_file_path ON named_file (root_id, path_hash)
-- next
CREATE TABLE original_file (
    id BIGSERIAL NOT NULL,
    fileset_id BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    size_bytes BIGINT NOT NULL,
    hash VARCHAR(128),
    hasher VARCHAR(16),
    fingerprint BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_as BYTEA,
    holds JSON,
    CONSTRAINT pk_original_file PRIMARY KEY (id),
    CONSTRAINT uq_original_file_fileset_id_ordinal UNIQUE (fileset_id, ordinal),
    CONSTRAINT fk_original_file_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id)
)
-- next
CREATE INDEX ix_original_file_fingerprint ON original_file (size_bytes, fingerprint)
-- next
CREATE TABLE plate_acquisition (
    id BIGSERIAL NOT NULL,
    plate_id BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_plate_acquisition PRIMARY KEY (id),
    CONSTRAINT uq_plate_acquisition_plate_id_name UNIQUE (plate_id, name),
    CONSTRAINT uq_plate_acquisition_id_plate_id UNIQUE (id, plate_id),
    CONSTRAINT fk_plate_acquisition_plate_id FOREIGN KEY(plate_id) REFERENCES plate (id) ON DELETE CASCADE
)
-- next
CREATE TABLE project_dataset_link (
    project_id BIGINT NOT NULL,
    dataset_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_project_dataset_link PRIMARY KEY (project_id, dataset_id),
    CONSTRAINT fk_project_dataset_link_project_id_group_id FOREIGN KEY(project_id, group_id) REFERENCES project (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_project_dataset_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_project_dataset_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_project_dataset_link_dataset_id ON project_dataset_link (dataset_id)
-- next
CREATE TABLE screen_plate_link (
    screen_id BIGINT NOT NULL,
    plate_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_screen_plate_link PRIMARY KEY (screen_id, plate_id),
    CONSTRAINT fk_screen_plate_link_screen_id_group_id FOREIGN KEY(screen_id, group_id) REFERENCES screen (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_screen_plate_link_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_screen_plate_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_screen_plate_link_plate_id ON screen_plate_link (plate_id)
-- next
CREATE TABLE well (
    id BIGSERIAL NOT NULL,
    plate_id BIGINT NOT NULL,
    row INTEGER NOT NULL,
    "column" INTEGER NOT NULL,
    CONSTRAINT pk_well PRIMARY KEY (id),
    CONSTRAINT uq_well_plate_id_row_column UNIQUE (plate_id, row, "column"),
    CONSTRAINT uq_well_id_plate_id UNIQUE (id, plate_id),
    CONSTRAINT ck_well_zero_based CHECK ("row" >= 0 AND "column" >= 0),
    CONSTRAINT fk_well_plate_id FOREIGN KEY(plate_id) REFERENCES plate (id) ON DELETE CASCADE
)
-- next
CREATE TABLE annotation_link (
    id BIGSERIAL NOT NULL,
    annotation_id BIGINT NOT NULL,
    project_id BIGINT,
    dataset_id BIGINT,
    image_id BIGINT,
    screen_id BIGINT,
    plate_id BIGINT,
    well_id BIGINT,
    well_plate_id BIGINT,
    group_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_annotation_link PRIMARY KEY (id),
    CONSTRAINT fk_annotation_link_project_id_group_id FOREIGN KEY(project_id, group_id) REFERENCES project (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_screen_id_group_id FOREIGN KEY(screen_id, group_id) REFERENCES screen (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT ck_annotation_link_one_object CHECK (num_nonnulls(project_id, dataset_id, image_id, screen_id, plate_id, well_id) = 1),
    CONSTRAINT ck_annotation_link_well_and_plate CHECK ((well_id IS NULL) = (well_plate_id IS NULL)),
    CONSTRAINT fk_annotation_link_annotation_id_group_id FOREIGN KEY(annotation_id, group_id) REFERENCES annotation (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_well_id_well_plate_id FOREIGN KEY(well_id, well_plate_id) REFERENCES well (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_annotation_link_well_plate_id_group_id FOREIGN KEY(well_plate_id, group_id) REFERENCES plate (id, group_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_annotation_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_annotation_link_annotation_id ON annotation_link (annotation_id)
-- next
CREATE INDEX ix_annotation_link_well_plate_id ON annotation_link (well_plate_id)
-- next
CREATE UNIQUE INDEX uq_annotation_link_dataset ON annotation_link (dataset_id, annotation_id, owner_id) WHERE dataset_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_image ON annotation_link (image_id, annotation_id, owner_id) WHERE image_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_plate ON annotation_link (plate_id, annotation_id, owner_id) WHERE plate_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_project ON annotation_link (project_id, annotation_id, owner_id) WHERE project_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_screen ON annotation_link (screen_id, annotation_id, owner_id) WHERE screen_id IS NOT NULL
-- next
CREATE UNIQUE INDEX uq_annotation_link_well ON annotation_link (well_id, annotation_id, owner_id) WHERE well_id IS NOT NULL
-- next
CREATE TABLE associated_image (
    image_id BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    media_type VARCHAR(32),
    width_px INTEGER,
    height_px INTEGER,
    data BYTEA,
    failure VARCHAR,
    CONSTRAINT pk_associated_image PRIMARY KEY (image_id, ordinal),
    CONSTRAINT fk_associated_image_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
-- next
CREATE TABLE channel (
    image_id BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    name VARCHAR,
    color VARCHAR(7),
    emission_wavelength_nm DOUBLE PRECISION,
    excitation_wavelength_nm DOUBLE PRECISION,
    exposure_time_s DOUBLE PRECISION,
    window_start DOUBLE PRECISION,
    window_end DOUBLE PRECISION,
    CONSTRAINT pk_channel PRIMARY KEY (image_id, ordinal),
    CONSTRAINT fk_channel_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
-- next
CREATE TABLE dataset_image_link (
    dataset_id BIGINT NOT NULL,
    image_id BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_dataset_image_link PRIMARY KEY (dataset_id, image_id),
    CONSTRAINT fk_dataset_image_link_dataset_id_group_id FOREIGN KEY(dataset_id, group_id) REFERENCES dataset (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_dataset_image_link_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_dataset_image_link_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_dataset_image_link_count ON dataset_image_link (group_id, dataset_id, owner_id)
-- next
CREATE INDEX ix_dataset_image_link_image_id ON dataset_image_link (image_id)
-- next
CREATE TABLE plane_location (
    image_id BIGINT NOT NULL,
    the_c INTEGER NOT NULL,
    the_z INTEGER NOT NULL,
    the_t INTEGER NOT NULL,
    original_file_id BIGINT NOT NULL,
    series INTEGER NOT NULL,
    plane INTEGER NOT NULL,
    CONSTRAINT pk_plane_location PRIMARY KEY (image_id, the_c, the_z, the_t),
    CONSTRAINT fk_plane_location_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE,
    CONSTRAINT fk_plane_location_original_file_id FOREIGN KEY(original_file_id) REFERENCES original_file (id)
)
-- next
CREATE INDEX ix_plane_location_original_file_id ON plane_location (original_file_id)
-- next
CREATE TABLE sighting (
    directory_id BIGINT NOT NULL,
    name BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    ctime_ns BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    disposition VARCHAR(9) NOT NULL,
    reason_id BIGINT,
    rule VARCHAR,
    configuration_id BIGINT,
    fileset_id BIGINT,
    original_file_id BIGINT,
    missing_since TIMESTAMP WITH TIME ZONE,
    group_id BIGINT,
    captured VARCHAR,
    verified_at TIMESTAMP WITH TIME ZONE,
    damaged_since TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sighting PRIMARY KEY (directory_id, name),
    CONSTRAINT ck_sighting_disposition CHECK (disposition IN ('ignored', 'skipped', 'unmatched', 'held', 'member')),
    CONSTRAINT fk_sighting_directory_id FOREIGN KEY(directory_id) REFERENCES directory (id),
    CONSTRAINT fk_sighting_reason_id FOREIGN KEY(reason_id) REFERENCES reason (id),
    CONSTRAINT fk_sighting_configuration_id FOREIGN KEY(configuration_id) REFERENCES configuration (id),
    CONSTRAINT fk_sighting_fileset_id FOREIGN KEY(fileset_id) REFERENCES fileset (id),
    CONSTRAINT fk_sighting_original_file_id FOREIGN KEY(original_file_id) REFERENCES original_file (id),
    CONSTRAINT fk_sighting_group_id FOREIGN KEY(group_id) REFERENCES experimenter_group (id)
)
-- next
CREATE INDEX ix_sighting_damaged ON sighting (damaged_since) WHERE damaged_since IS NOT NULL
-- next
CREATE INDEX ix_sighting_fileset_id_captured ON sighting (fileset_id, captured)
-- next
CREATE INDEX ix_sighting_gone ON sighting (original_file_id) WHERE missing_since IS NOT NULL
-- next
CREATE INDEX ix_sighting_move ON sighting (inode, size_bytes)
-- next
CREATE INDEX ix_sighting_original_file_id ON sighting (original_file_id)
-- next
CREATE TABLE thumbnail (
    image_id BIGINT NOT NULL,
    media_type VARCHAR(32),
    width_px INTEGER,
    height_px INTEGER,
    data BYTEA,
    failure VARCHAR,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_thumbnail PRIMARY KEY (image_id),
    CONSTRAINT ck_thumbnail_data_or_failure CHECK ((data IS NULL) <> (failure IS NULL)),
    CONSTRAINT fk_thumbnail_image_id FOREIGN KEY(image_id) REFERENCES image (id) ON DELETE CASCADE
)
-- next
CREATE TABLE well_sample (
    image_id BIGINT NOT NULL,
    plate_id BIGINT NOT NULL,
    well_id BIGINT NOT NULL,
    plate_acquisition_id BIGINT NOT NULL,
    field INTEGER NOT NULL,
    tile INTEGER DEFAULT '0' NOT NULL,
    group_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_well_sample PRIMARY KEY (image_id),
    CONSTRAINT fk_well_sample_well_id_plate_id FOREIGN KEY(well_id, plate_id) REFERENCES well (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_well_sample_plate_acquisition_id_plate_id FOREIGN KEY(plate_acquisition_id, plate_id) REFERENCES plate_acquisition (id, plate_id) ON DELETE CASCADE,
    CONSTRAINT fk_well_sample_plate_id_group_id FOREIGN KEY(plate_id, group_id) REFERENCES plate (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_well_sample_image_id_group_id FOREIGN KEY(image_id, group_id) REFERENCES image (id, group_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT uq_well_sample_plate_acquisition_id_well_id_field_tile UNIQUE (plate_acquisition_id, well_id, field, tile),
    CONSTRAINT ck_well_sample_zero_based CHECK (field >= 0),
    CONSTRAINT fk_well_sample_owner_id FOREIGN KEY(owner_id) REFERENCES experimenter (id)
)
-- next
CREATE INDEX ix_well_sample_count ON well_sample (group_id, plate_id)
-- next
CREATE INDEX ix_well_sample_plate_id ON well_sample (plate_id, well_id)
-- next
CREATE TABLE held_set (
    directory_id BIGINT NOT NULL,
    name BYTEA NOT NULL,
    root_id BIGINT NOT NULL,
    names JSON NOT NULL,
    is_mutual BOOLEAN NOT NULL,
    CONSTRAINT pk_held_set PRIMARY KEY (directory_id, name),
    CONSTRAINT fk_held_set_directory_id_name FOREIGN KEY(directory_id, name) REFERENCES sighting (directory_id, name) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT fk_held_set_root_id FOREIGN KEY(root_id) REFERENCES root (id)
)
-- next
CREATE INDEX ix_held_set_root_id ON held_set (root_id)
-- next
CREATE TABLE stored_copy (
    directory_id BIGINT NOT NULL,
    name BYTEA NOT NULL,
    hasher VARCHAR(16) NOT NULL,
    hash VARCHAR(128) NOT NULL,
    size_bytes BIGINT NOT NULL,
    fingerprint BYTEA NOT NULL,
    CONSTRAINT pk_stored_copy PRIMARY KEY (directory_id, name, hasher),
    CONSTRAINT fk_stored_copy_directory_id_name FOREIGN KEY(directory_id, name) REFERENCES sighting (directory_id, name) ON DELETE CASCADE ON UPDATE CASCADE
)
-- next
CREATE INDEX ix_stored_copy_content ON stored_copy (size_bytes, fingerprint)
-- next
CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$
-- next
CREATE TRIGGER event_never_changes BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_is_append_only()
-- next
CREATE TRIGGER event_never_goes BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()
