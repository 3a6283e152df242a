# Installing, packaging, the image and the load test. Included by the Makefile.

bindir     ?= $(PREFIX)/bin
mandir     ?= $(PREFIX)/share/man
docdir     ?= $(PREFIX)/share/doc/ranklossd
compdir    ?= $(PREFIX)/share/bash-completion/completions
unitdir    ?= $(PREFIX)/lib/systemd/system
# With PREFIX=/usr the settings are in /etc, with any other in PREFIX/etc.
sysconfdir ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)

INSTALLED = $(bindir)/ranklossd $(mandir)/man8/ranklossd.8 $(mandir)/man5/ranklossd.json.5 \
            $(compdir)/ranklossd \
            $(unitdir)/ranklossd.service $(unitdir)/ranklossd.socket \
            $(docdir)/copyright $(docdir)/README.md $(docdir)/examples/ranklossd.json

# The daemon that is asked for its settings; a cross build names one that runs here.
DAEMON = $(BUILD)/ranklossd

man: $(BUILD)/man/ranklossd.8 ## Write the man pages from the table of settings
$(BUILD)/man/ranklossd.8: $(DAEMON) deploy/package/manuals.py
	$(PYTHON) deploy/package/manuals.py $(DAEMON) $(BUILD)/man $(sysconfdir)

completion: $(BUILD)/completion/ranklossd ## Write the completion for bash from the table of settings
$(BUILD)/completion/ranklossd: $(DAEMON) deploy/package/completion.py
	$(PYTHON) deploy/package/completion.py $(DAEMON) $@

# The units in the tree have Debian's paths; installed ones have those of this installation.
install: all man completion ## Install into DESTDIR (PREFIX=/usr/local): binary, man pages, completion, units, example
	install -D -m 755 $(BUILD)/ranklossd $(DESTDIR)$(bindir)/ranklossd
	install -D -m 644 $(BUILD)/man/ranklossd.8 $(DESTDIR)$(mandir)/man8/ranklossd.8
	install -D -m 644 $(BUILD)/man/ranklossd.json.5 $(DESTDIR)$(mandir)/man5/ranklossd.json.5
	install -D -m 644 $(BUILD)/completion/ranklossd $(DESTDIR)$(compdir)/ranklossd
	install -D -m 644 LICENSE $(DESTDIR)$(docdir)/copyright
	install -D -m 644 README.md $(DESTDIR)$(docdir)/README.md
	install -D -m 644 config/example.json $(DESTDIR)$(docdir)/examples/ranklossd.json
	install -d $(DESTDIR)$(unitdir) $(DESTDIR)$(sysconfdir)/ranklossd
	for unit in ranklossd.service ranklossd.socket; do \
	    sed 's|/usr/bin/|$(bindir)/|; s|/etc/ranklossd|$(sysconfdir)/ranklossd|' \
	        deploy/systemd/$$unit > $(DESTDIR)$(unitdir)/$$unit && \
	    chmod 644 $(DESTDIR)$(unitdir)/$$unit || exit 1; done
	test -e $(DESTDIR)$(sysconfdir)/ranklossd/ranklossd.json || \
	    install -m 644 deploy/package/ranklossd.json $(DESTDIR)$(sysconfdir)/ranklossd/ranklossd.json

uninstall: ## Remove what install put there; settings stay
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-rmdir $(DESTDIR)$(docdir)/examples $(DESTDIR)$(docdir)

deb: $(if $(DEB_ARCH),all) ## Build a Debian package: build/ranklossd_VERSION_ARCH.deb (DEB_ARCH=arm64: for that)
	@tools/deps build package $(DEB_ARCH)
	@REVISION=$(REVISION) $(if $(DEB_ARCH),DAEMON=$(DAEMON)) deploy/package/build-deb $(BUILD) $(DEB_ARCH)

image: ## Build the container image with whichever of docker, podman, buildah is there
	@REVISION=$(REVISION) deploy/package/build-image

load: all ## Load test: URL=… (default: a daemon of its own), WORKLOADS, FORMAT (json, gzip, binary), RATE, P99, DURATION, MODES
	@tools/deps load
	@$(PYTHON) deploy/loadtest/run.py --binary $(BUILD)/ranklossd --output $(BUILD)/load \
	    $(if $(WORKLOADS),--workloads $(WORKLOADS)) $(if $(RATE),--rate $(RATE)) \
	    $(if $(P99),--p99 $(P99)) $(if $(DURATION),--duration $(DURATION)) \
	    $(if $(MODES),--modes $(MODES)) $(if $(FORMAT),--encodings $(FORMAT)) $(URL)

.PHONY: man completion install uninstall deb image load
