# CoProver: every target is a thin wrapper around a script that can be run by hand.
# `make` alone lists the targets. ARGS='…' is passed on to the script. PROFILE=node, one-gpu or laptop
# decides what this machine is (unset: nvidia-smi does); DRY_RUN=1 prints the commands of co-train.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# In a recipe: the overlay of the profile in "$${config[@]}", unless ARGS says something else
OVERLAY = source coprover/lib.sh; name="$$(coprover_profile)"; config=(); \
	  file="$$(coprover_overlay "$$name")"; [[ -z "$$file" ]] || config=(--config "$$file")
ARGS ?=

.PHONY: help profile setup data convert co-train train-generator train-value collect eval compare \
        preflight status stop clean test lint

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

profile:
	@source coprover/lib.sh; name="$$(coprover_profile)"; \
	  printf 'profile: %s\n' "$$(coprover_profile_reason "$$name")"

setup: $(STAMP)  ## make .venv and install requirements-dev.txt (nothing to do on the node's image)

$(STAMP): requirements.txt requirements-dev.txt
	@echo "setup: installing requirements-dev.txt into $(VENV) (once, about 1.7 GB, some minutes)"
	@test -x $(PY) || python3 -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

data: setup  ## create the theorem files of the profile
	@bash prepare_all.sh $(ARGS)

co-train: profile setup  ## the whole loop: three rounds in minutes on a laptop, five on a GPU node
	@bash co_train.sh $(ARGS)

eval: profile setup  ## pass@k and searches of the newest generator on the test theorems
	@bash co_train.sh --only eval $(ARGS)

train-generator: profile setup  ## one GRPO phase of the generator
	@bash co_train.sh --only generator $(ARGS)

train-value: profile setup  ## one training phase of the value model
	@bash co_train.sh --only value $(ARGS)

collect: profile setup  ## one search phase: trajectories for the value model
	@bash co_train.sh --only collect $(ARGS)

convert: ## Megatron checkpoint -> Hugging Face folder (node)
	@bash convert_and_serve.sh $(ARGS)

compare: setup  ## A/B of two checkpoints; see compare_checkpoints.py --help
	@$(PY) compare_checkpoints.py $(ARGS)

preflight:  ## name everything a run needs and lacks here, each with its remedy
	@$(OVERLAY); "$$(coprover_python)" -m coprover.preflight "$${config[@]}" $(ARGS)

status:  ## GPUs, servers, latest metrics
	@$(OVERLAY); bash check_status.sh $(if $(ARGS),$(ARGS),"$${config[@]}")

stop:  ## stop the servers this checkout started
	@$(OVERLAY); bash launch_servers.sh stop $(if $(ARGS),$(ARGS),"$${config[@]}")

clean:  ## delete runs/ and generated data, after asking
	@read -r -p "delete runs/, results/, eval_results/ and data/families/? [y/N] " answer; \
	  [[ "$$answer" == y ]] && rm -rf runs results eval_results data/families || echo "kept"

test: setup  ## the test suite
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q $(ARGS)

lint: setup  ## ruff
	@$(PY) -m ruff check .
